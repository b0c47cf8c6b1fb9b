/** Variables of the person who runs the tests, which would change what they test. */
const foreignVariable = /^(APP_|PG|TEST_|OTEL_|(DATABASE|AMQP|RABBITMQ|CITUS)_URL$)/;

/** The environment without what would change the tests. */
export function testEnvironment(
  environment: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !foreignVariable.test(name)),
  );
}
