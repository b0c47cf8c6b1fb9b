import type { Kysely } from "kysely";
import type { RunContext } from "#shared/command/run_context.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import type { DatabaseConfig } from "../../backend/config.ts";
import { sqlState } from "../../backend/store/connection/write_failure.ts";
import type { Database } from "../../backend/store/database.ts";
import { onDatabase } from "../database/on_database.ts";

/**
 * Opens the database, and acts on its history.
 *
 * @throws {ExitError} if it has no such tables yet.
 */
export async function onHistory(
  config: DatabaseConfig,
  context: Pick<RunContext, "log" | "signal">,
  act: (db: Kysely<Database>) => Promise<void>,
): Promise<void> {
  try {
    await onDatabase(config, context, act);
  } catch (error) {
    if (sqlState(error) !== "42P01") throw error;
    throw new ExitError(
      "Cannot read history: the database has no tables for it yet; migrate it first",
      { cause: error },
    );
  }
}
