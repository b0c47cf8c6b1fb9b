import type { Kysely } from "kysely";
import type { RunContext } from "#shared/command/run_context.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import type { DatabaseConfig } from "../../backend/config.ts";
import { sqlState } from "../../backend/store/connection/write_failure.ts";
import type { Database } from "../../backend/store/database.ts";
import { onDatabase } from "./on_database.ts";

/** SQLSTATEs of a table that is not there, and of a column. */
const notThere: ReadonlySet<string | undefined> = new Set(["42P01", "42703"]);

/**
 * As `onDatabase`, for what needs only tables of its own, so that it goes on
 * where other migrations of this release are missing.
 *
 * @param task what it is for, as in `Cannot read history`
 * @throws {ExitError} if its tables, or columns of them, are not there yet.
 */
export async function onTables(
  task: string,
  config: DatabaseConfig,
  context: Pick<RunContext, "log" | "signal">,
  act: (db: Kysely<Database>) => Promise<void>,
): Promise<void> {
  try {
    await onDatabase(config, context, act);
  } catch (error) {
    if (!notThere.has(sqlState(error))) throw error;
    throw new ExitError(
      `Cannot ${task}: the database has no tables for it yet; migrate it first`,
      { cause: error },
    );
  }
}
