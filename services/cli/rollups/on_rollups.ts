import type { Kysely } from "kysely";
import type { RunContext } from "#shared/command/run_context.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import type { DatabaseConfig } from "../../backend/config.ts";
import { sqlState } from "../../backend/store/connection/write_failure.ts";
import type { Database } from "../../backend/store/database.ts";
import { onDatabase } from "../database/on_database.ts";

/**
 * Opens the database, and acts on its rollups.
 *
 * @throws {ExitError} if it has no such tables yet.
 */
export async function onRollups(
  config: DatabaseConfig,
  context: Pick<RunContext, "log" | "signal">,
  act: (db: Kysely<Database>) => Promise<void>,
): Promise<void> {
  try {
    await onDatabase(config, context, act);
  } catch (error) {
    const state = sqlState(error);
    // Neither the table nor, in one of the release before, its columns.
    if (state !== "42P01" && state !== "42703") throw error;
    throw new ExitError(
      "Cannot rebuild rollups: the database has no tables for them yet; migrate it first",
      { cause: error },
    );
  }
}
