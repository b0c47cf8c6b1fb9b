/** A URL that the environment names, and the variable that did. */
export interface NamedUrl {
  readonly url: string;
  readonly variable: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The PostgreSQL server that the environment names: `TEST_POSTGRES_URL`,
 * `DATABASE_URL`, or the variables of psql. Empty variables count as unset.
 */
export function namedPostgresUrl(environment: Environment): NamedUrl | undefined {
  const named = firstNamed(["TEST_POSTGRES_URL", "DATABASE_URL"], environment);
  if (named !== undefined) return named;

  const { PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE } = environment;
  const place = PGHOST ? "PGHOST" : PGPORT ? "PGPORT" : undefined;
  const variable = place ?? (PGUSER ? "PGUSER" : PGPASSWORD ? "PGPASSWORD" : undefined);
  if (variable === undefined) return undefined;
  const url = new URL("postgres://127.0.0.1:5432");
  if (PGHOST?.startsWith("/")) url.searchParams.set("host", PGHOST);
  else if (PGHOST) url.hostname = PGHOST.includes(":") ? `[${PGHOST}]` : PGHOST;
  if (PGPORT) url.port = PGPORT;
  url.username = PGUSER || "postgres";
  url.password = PGPASSWORD || "postgres";
  url.pathname = `/${PGDATABASE || "postgres"}`;
  return { url: url.href, variable };
}

/** The RabbitMQ server that the environment names. Empty variables count as unset. */
export function namedAmqpUrl(environment: Environment): NamedUrl | undefined {
  return firstNamed(["TEST_AMQP_URL", "AMQP_URL", "RABBITMQ_URL"], environment);
}

/** The database of a Citus coordinator that the environment names. Empty variables count as unset. */
export function namedCitusUrl(environment: Environment): NamedUrl | undefined {
  return firstNamed(["TEST_CITUS_URL", "CITUS_URL"], environment);
}

function firstNamed(variables: readonly string[], environment: Environment): NamedUrl | undefined {
  for (const variable of variables) {
    const url = environment[variable];
    if (url) return { url, variable };
  }
  return undefined;
}
