import { Client } from "pg";

interface Node {
  readonly host: string;
  readonly port: number;
  readonly coordinator: boolean;
}

/**
 * An empty database of its own on all nodes of a Citus cluster, in which tables
 * can be distributed; disposing drops it, along with connections that are still
 * open.
 *
 * @param server The URL of a database of the coordinator, which knows the nodes.
 */
export async function createCitusDatabase(
  server: string,
  name: string,
): Promise<AsyncDisposable & { readonly url: string }> {
  const url = new URL(server);
  url.pathname = `/${name}`;
  const nodes = await onServer(server, async (client) => {
    const nodes = await nodesOf(client);
    await onEveryNode(client, `create database ${name}`);
    return nodes;
  });
  const drop = () =>
    onServer(
      server,
      (client) => onEveryNode(client, `drop database if exists ${name} with (force)`),
    );
  try {
    await onServer(url.href, (client) => join(client, nodes));
  } catch (error) {
    await drop();
    throw error;
  }
  return { url: url.href, [Symbol.asyncDispose]: drop };
}

async function nodesOf(client: Client): Promise<readonly Node[]> {
  const { rows } = await client.query<Node>(
    `select nodename as host, nodeport as port, groupid = 0 as coordinator
     from pg_dist_node where isactive and noderole = 'primary'`,
  );
  return rows;
}

/** Makes a database, which its like on each worker knows nothing of, the coordinator's. */
async function join(client: Client, nodes: readonly Node[]): Promise<void> {
  await client.query("create extension citus");
  const workers = nodes.filter(({ coordinator }) => !coordinator);
  await succeed(client, "select * from master_run_on_worker($1, $2, $3, true)", [
    workers.map(({ host }) => host),
    workers.map(({ port }) => port),
    workers.map(() => "create extension if not exists citus"),
  ]);
  // A node that is added is told of all roles, which fails where others are told at the same time.
  await client.query("set citus.enable_create_role_propagation = off");
  await client.query("set citus.enable_alter_role_propagation = off");
  for (const { host, port, coordinator } of nodes) {
    await client.query(
      coordinator ? "select citus_set_coordinator_host($1, $2)" : "select citus_add_node($1, $2)",
      [host, port],
    );
  }
}

async function onEveryNode(client: Client, sql: string): Promise<void> {
  await client.query("set citus.enable_create_database_propagation = off");
  await client.query(sql);
  await succeed(client, "select * from run_command_on_workers($1)", [sql]);
}

/** @throws {Error} with what a node says, if it failed there. */
async function succeed(client: Client, sql: string, values: readonly unknown[]): Promise<void> {
  const { rows } = await client.query<{ readonly success: boolean; readonly result: string }>(
    sql,
    [...values],
  );
  for (const { success, result } of rows) if (!success) throw new Error(`A worker: ${result}`);
}

async function onServer<Result>(
  url: string,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = new Client({ connectionString: url });
  // One that breaks is told by the query, too.
  client.on("error", () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
