import { getLogger } from "@logtape/logtape";
import type { Kysely } from "kysely";
import { openDatabase } from "../../services/backend/store/connection/open_database.ts";
import type { Database } from "../../services/backend/store/database.ts";
import { distributeTables } from "../../services/backend/store/schema/distribute.ts";
import { migrateToLatest } from "../../services/backend/store/schema/migrate.ts";
import { citusUrl, createCitusTestDatabase } from "./citus.ts";
import { databaseConfig } from "./database_config.ts";
import { emptyTables } from "./empty_tables.ts";
import { onPostgres } from "./on_databases.ts";
import { tempPglite } from "./temp_pglite.ts";

export type StoreCase = (db: Kysely<Database>) => Promise<void>;

/**
 * Registers the same cases for the embedded database, for PostgreSQL, and for
 * tables that Citus distributes, each a step that starts with empty tables.
 */
export function eachDatabase(what: string, cases: Readonly<Record<string, StoreCase>>): void {
  Deno.test(`${what}, on PGlite`, async (test) => {
    await using folder = await tempPglite();
    await runCases(test, folder.url, cases);
  });
  eachServer(what, cases);
}

/** As `eachDatabase`, for what only several sessions can show. */
export function eachServer(what: string, cases: Readonly<Record<string, StoreCase>>): void {
  postgresTest(`${what}, on PostgreSQL`, cases);
  Deno.test({
    name: `${what}, on Citus`,
    ignore: citusUrl === undefined,
    async fn(test) {
      await using server = await createCitusTestDatabase();
      await runCases(test, server.url, cases, async (db) => void await distributeTables(db, 4));
    },
  });
}

/** Options of a database whose own order of texts is that of a language, not of bytes. */
export const icuDatabase = "locale_provider icu icu_locale 'en-US' encoding 'UTF8' " +
  "lc_collate 'C' lc_ctype 'C' template template0";

/**
 * As `eachServer`, for what Citus does in another way.
 *
 * @param databaseOptions of `create database`
 */
export function postgresTest(
  name: string,
  cases: Readonly<Record<string, StoreCase>>,
  databaseOptions = "",
): void {
  onPostgres(name, (url, test) => runCases(test, url, cases), databaseOptions);
}

async function runCases(
  test: Deno.TestContext,
  url: string,
  cases: Readonly<Record<string, StoreCase>>,
  prepare: StoreCase = () => Promise.resolve(),
): Promise<void> {
  const log = getLogger("store-test");
  await using database = await openDatabase(databaseConfig(url), log);
  await migrateToLatest(database.db, log);
  await prepare(database.db);
  for (const [name, run] of Object.entries(cases)) {
    await emptyTables(database.db);
    await test.step(name, () => run(database.db));
  }
}
