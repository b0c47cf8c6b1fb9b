import { connect } from "amqplib";
import { deadLetterQueue } from "#shared/broker/port/broker.ts";

/**
 * A RabbitMQ server for tests, as `deno task test` found or started it;
 * undefined where there is none. Tests that need it are ignored then:
 * `Deno.test({ ignore: amqpUrl === undefined, … })`.
 */
export const amqpUrl: string | undefined = Deno.env.get("TEST_AMQP_URL");

/**
 * A queue name that no one else uses; the queue itself is the test's to
 * declare. Disposing deletes it and its dead letter queue, where they exist.
 */
export function uniqueQueue(prefix: string): AsyncDisposable & { readonly name: string } {
  const name = `test-${prefix}-${crypto.randomUUID()}`;
  return {
    name,
    [Symbol.asyncDispose]: () => deleteQueues([name, deadLetterQueue(name)]),
  };
}

async function deleteQueues(names: readonly string[]): Promise<void> {
  if (amqpUrl === undefined) return;
  const connection = await connect(amqpUrl);
  try {
    const channel = await connection.createChannel();
    for (const name of names) await channel.deleteQueue(name);
    await channel.close();
  } finally {
    await connection.close();
  }
}
