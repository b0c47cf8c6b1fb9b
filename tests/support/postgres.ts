import { Client } from "pg";

/**
 * A PostgreSQL server for tests, as `deno task test` found or started it;
 * undefined where there is none. Tests that need it are ignored then:
 * `Deno.test({ ignore: postgresUrl === undefined, … })`.
 */
export const postgresUrl: string | undefined = Deno.env.get("TEST_POSTGRES_URL");

/**
 * An empty database of its own; disposing drops it, along with connections that are still open.
 *
 * @param options of `create database`, such as an encoding
 */
export async function createTestDatabase(
  options = "",
): Promise<AsyncDisposable & { readonly url: string }> {
  if (postgresUrl === undefined) throw new Error("TEST_POSTGRES_URL is not set");
  const name = `test_${crypto.randomUUID().replaceAll("-", "")}`;
  const server = postgresUrl;
  await execute(server, `create database ${name} ${options}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    [Symbol.asyncDispose]: () => execute(server, `drop database if exists ${name} with (force)`),
  };
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
