import { connect } from "amqplib";
import { Client } from "pg";
import { ServiceError } from "./service.ts";

/** Connects and returns, or throws why it cannot be used. */
export type Probe = (url: string, deadlineMs: number) => Promise<void>;

/** Oldest PostgreSQL that the store supports. */
const oldestMajor = 15;

/** A PostgreSQL of a supported version, with a role that may create databases. */
export async function probePostgres(url: string, deadlineMs: number): Promise<void> {
  await onPostgres(url, deadlineMs, async (client) => {
    const { rows } = await client.query<{ version: number; creates: boolean }>(
      `select current_setting('server_version_num')::int / 10000 as version,
              rolsuper or rolcreatedb as creates
       from pg_roles where rolname = current_user`,
    );
    const { version, creates } = rows[0]!;
    if (version < oldestMajor) {
      throw new ServiceError(`it is PostgreSQL ${version}; ${oldestMajor} or newer is needed`);
    }
    if (!creates) throw new ServiceError("its role may not create databases");
  });
}

/** A database of a Citus coordinator that has workers, with a role that may make more of its kind. */
export async function probeCitus(url: string, deadlineMs: number): Promise<void> {
  await probePostgres(url, deadlineMs);
  await onPostgres(url, deadlineMs, async (client) => {
    const { rows: [citus] } = await client.query(
      "select from pg_extension where extname = 'citus'",
    );
    if (citus === undefined) throw new ServiceError("the database has no extension citus");
    const { rows: [worker] } = await client.query(
      `select from pg_dist_node
       where groupid <> 0 and isactive and noderole = 'primary' and citus_is_coordinator()`,
    );
    if (worker === undefined) throw new ServiceError("it is no coordinator that has workers");
  });
}

async function onPostgres(
  url: string,
  deadlineMs: number,
  look: (client: Client) => Promise<void>,
): Promise<void> {
  if (!/^postgres(ql)?:$/.test(protocolOf(url))) throw new ServiceError("not a postgres:// URL");
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: deadlineMs,
    query_timeout: deadlineMs,
  });
  // A connection that breaks later is told to the query; without a listener it ends the process.
  client.on("error", () => {});
  try {
    await client.connect();
    await look(client);
  } finally {
    await client.end().catch(() => {});
  }
}

/** A broker that takes the URL's user. */
export async function probeRabbitmq(url: string, deadlineMs: number): Promise<void> {
  if (!/^amqps?:$/.test(protocolOf(url))) throw new ServiceError("not an amqp:// URL");
  // The option covers a server that accepts and then says nothing, too.
  const connection = await connect(url, { timeout: deadlineMs });
  connection.on("error", () => {});
  await connection.close();
}

function protocolOf(url: string): string {
  return URL.parse(url)?.protocol ?? "";
}
