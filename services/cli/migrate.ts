import process from "node:process";
import { logSettings } from "#shared/config/log_settings.ts";
import { defineCommand } from "#shared/command/command_line.ts";
import type { RunContext } from "#shared/command/run_context.ts";
import { backendSettings, type DatabaseConfig, databaseSettings } from "../backend/config.ts";
import { listMigrations, migrateDown, migrateToLatest } from "../backend/store/migrate.ts";
import { openDatabase } from "../backend/store/open_database.ts";
import { waitForDatabase } from "../backend/store/wait_for_database.ts";

async function runMigrate(
  config: DatabaseConfig,
  { log, signal }: RunContext,
  action: string,
): Promise<void> {
  await using database = await openDatabase(config, log);
  const { db } = database;
  // Not again and again: it would undo as many migrations.
  await waitForDatabase(() => database.answers(), config, log, signal);
  if (action === "down") await migrateDown(db, log);
  else if (action === "up") {
    await waitForDatabase(() => migrateToLatest(db, log), config, log, signal);
  }
  for (const { name, appliedAt } of await listMigrations(db)) {
    process.stdout.write(`${appliedAt?.toISOString() ?? "not applied".padEnd(24)}  ${name}\n`);
  }
}

export const migrateCommand = defineCommand({
  name: "migrate",
  summary: "Brings the database's tables up to date, and lists the migrations.",
  actions: {
    up: "apply all that are missing",
    down: "undo the newest, with the data that its tables hold",
    list: "change nothing",
  },
  sections: { log: logSettings, backend: { db: databaseSettings } },
  unused: backendSettings,
  run: ({ backend }, context, action) => runMigrate(backend.db, context, action),
});
