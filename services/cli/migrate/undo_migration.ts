import type { Kysely } from "kysely";
import { defineAction } from "#shared/command/define_action.ts";
import type { RunContext } from "#shared/command/run_context.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import { trueOrFalse } from "#shared/config/setting_kinds.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { orAborted } from "#shared/lifecycle/or_aborted.ts";
import { databaseSettings } from "../../backend/config.ts";
import { sqlState } from "../../backend/store/connection/write_failure.ts";
import type { Database } from "../../backend/store/database.ts";
import { findLostData, type LostData } from "../../backend/store/schema/lost_data.ts";
import { listMigrations, migrateDown } from "../../backend/store/schema/migrate.ts";
import { onDatabase } from "../database/on_database.ts";
import { printLine } from "../output/print.ts";
import { printMigrations } from "./list_migrations.ts";

/** @throws {ExitError} that says what data would go, unless that was asked for. */
async function undoMigration(
  db: Kysely<Database>,
  asked: boolean,
  { log, signal }: Pick<RunContext, "log" | "signal">,
): Promise<void> {
  const newest = (await listMigrations(db)).findLast(({ appliedAt }) => appliedAt !== undefined);
  if (newest === undefined) return;
  // Refused, whoever asked; and what it would drop can't be told.
  if (!newest.known) return await migrateDown(db, log, { signal });
  const lost = await findLostData(db, newest.name).catch((error: unknown) => {
    if (sqlState(error) !== "55P03") throw error;
    throw new ExitError(
      `Cannot undo ${newest.name}: its tables are in use; stop what uses them first`,
      { cause: error },
    );
  });
  const words = lost.length === 0 ? "no data" : lost.map(inWords).join(", ");
  if (!asked) {
    throw new ExitError(
      `Cannot undo ${newest.name} unasked: it drops ${words}; say --yes if they may go`,
    );
  }
  await printLine(`Undoing ${newest.name}, which drops ${words}`);
  await migrateDown(db, log, { signal });
}

function inWords({ table, columns, rows }: LostData): string {
  const what = columns === undefined ? table : `${columns.join(" and ")} of ${table}`;
  return `${what} (${rows > 100_000 ? "about " : ""}${rows.toLocaleString("en-US")} rows)`;
}

export const undoMigrationAction = defineAction({
  name: "down",
  summary: "Undoes the newest migration, with the data that its tables hold.",
  sections: {
    log: logSettings,
    backend: { db: databaseSettings },
    migrate: {
      yes: trueOrFalse({
        doc: "undo the newest migration, whatever data that takes",
        default: false,
      }),
    },
  },
  run: ({ backend, migrate }, context) =>
    onDatabase(backend.db, context, async (db) => {
      // Not again and again: it would undo as many migrations.
      const undone = undoMigration(db, migrate.yes, context);
      await orAborted(undone.then(() => printMigrations(db)), context.signal);
    }),
});
