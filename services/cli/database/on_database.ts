import type { Kysely } from "kysely";
import type { RunContext } from "#shared/command/run_context.ts";
import type { DatabaseConfig } from "../../backend/config.ts";
import { openDatabase } from "../../backend/store/connection/open_database.ts";
import { waitForDatabase } from "../../backend/store/connection/wait_for_database.ts";
import type { Database } from "../../backend/store/database.ts";

/** Opens the database, and acts on it once it answers. */
export async function onDatabase(
  config: DatabaseConfig,
  { log, signal }: Pick<RunContext, "log" | "signal">,
  act: (db: Kysely<Database>) => Promise<void>,
): Promise<void> {
  await using database = await openDatabase(config, log);
  await waitForDatabase(() => database.answers(), config, log, signal);
  await act(database.db);
}
