import { createTestDatabase, postgresUrl } from "./postgres.ts";
import { tempPglite } from "./temp_pglite.ts";

/** What is to hold of the database at `url`, which is empty. */
export type DatabaseCheck = (url: string, test: Deno.TestContext) => Promise<void>;

/** Registers the same test for an empty database embedded, and for one of PostgreSQL. */
export function onDatabases(what: string, check: DatabaseCheck): void {
  Deno.test(`${what}, on PGlite`, async (test) => {
    await using folder = await tempPglite();
    await check(folder.url, test);
  });
  onPostgres(`${what}, on PostgreSQL`, check);
}

/**
 * As `onDatabases`, for what PostgreSQL alone can show.
 *
 * @param options of `create database`
 */
export function onPostgres(name: string, check: DatabaseCheck, options = ""): void {
  Deno.test({
    name,
    ignore: postgresUrl === undefined,
    async fn(test) {
      await using server = await createTestDatabase(options);
      await check(server.url, test);
    },
  });
}
