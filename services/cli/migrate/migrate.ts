import { defineCommand } from "#shared/command/command_line.ts";
import type { RunContext } from "#shared/command/run_context.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import type { ConfigOf } from "#shared/config/setting.ts";
import { trueOrFalse } from "#shared/config/setting_kinds.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { orAborted } from "#shared/lifecycle/or_aborted.ts";
import { backendSettings, databaseSettings } from "../../backend/config.ts";
import { openDatabase } from "../../backend/store/connection/open_database.ts";
import { waitForDatabase } from "../../backend/store/connection/wait_for_database.ts";
import { sqlState } from "../../backend/store/connection/write_failure.ts";
import type { OpenDatabase } from "../../backend/store/database.ts";
import { findLostData, type LostData } from "../../backend/store/schema/lost_data.ts";
import {
  listMigrations,
  migrateDown,
  migrateToLatest,
} from "../../backend/store/schema/migrate.ts";
import { printLine } from "../output/print.ts";

export const migrateSettings = {
  log: logSettings,
  backend: { db: databaseSettings },
  migrate: {
    yes: trueOrFalse({
      doc: "undo the newest migration, whatever data that takes",
      default: false,
    }),
  },
};

async function runMigrate(
  { backend, migrate }: ConfigOf<typeof migrateSettings>,
  { log, signal }: RunContext,
  action: string,
): Promise<void> {
  await using database = await openDatabase(backend.db, log);
  const { db } = database;
  await waitForDatabase(() => database.answers(), backend.db, log, signal);
  if (action === "up") {
    await waitForDatabase(() => migrateToLatest(db, log), backend.db, log, signal);
  }
  // Not again and again: it would undo as many migrations.
  const undone = action === "down" ? undo(db, migrate.yes, log) : Promise.resolve();
  await orAborted(undone.then(() => list(db)), signal);
}

async function list(db: OpenDatabase["db"]): Promise<void> {
  for (const { name, appliedAt, known } of await listMigrations(db)) {
    const note = known ? "" : "  (of a later release)";
    await printLine(`${appliedAt?.toISOString() ?? "not applied".padEnd(24)}  ${name}${note}`);
  }
}

/** @throws {ExitError} that says what data would go, unless that was asked for. */
async function undo(db: OpenDatabase["db"], asked: boolean, log: RunContext["log"]): Promise<void> {
  const newest = (await listMigrations(db)).findLast(({ appliedAt }) => appliedAt !== undefined);
  if (newest === undefined) return;
  // Refused, whoever asked; and what it would drop can't be told.
  if (!newest.known) return await migrateDown(db, log);
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
      `Cannot undo ${newest.name} unasked: it drops ${words}; say --yes true if they may go`,
    );
  }
  await printLine(`Undoing ${newest.name}, which drops ${words}`);
  await migrateDown(db, log);
}

function inWords({ table, columns, rows }: LostData): string {
  const what = columns === undefined ? table : `${columns.join(" and ")} of ${table}`;
  return `${what} (${rows > 100_000 ? "about " : ""}${rows.toLocaleString("en-US")} rows)`;
}

export const migrateCommand = defineCommand({
  name: "migrate",
  task: true,
  summary: "Brings the database's tables up to date, and lists the migrations.",
  actions: {
    up: "apply all that are missing",
    down: "undo the newest, with the data that its tables hold",
    list: "change nothing",
  },
  sections: migrateSettings,
  unused: backendSettings,
  run: runMigrate,
});
