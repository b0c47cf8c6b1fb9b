import type { Kysely } from "kysely";
import { defineAction } from "#shared/command/define_action.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import { orAborted } from "#shared/lifecycle/or_aborted.ts";
import { databaseSettings } from "../../backend/config.ts";
import type { Database } from "../../backend/store/database.ts";
import { listMigrations } from "../../backend/store/schema/migrate.ts";
import { onDatabase } from "../database/on_database.ts";
import { printLine } from "../output/print.ts";

/** Prints a line for each migration, oldest first: when it was applied, and its name. */
export async function printMigrations(db: Kysely<Database>): Promise<void> {
  for (const { name, appliedAt, known } of await listMigrations(db)) {
    const note = known ? "" : "  (of a later release)";
    await printLine(`${appliedAt?.toISOString() ?? "not applied".padEnd(24)}  ${name}${note}`);
  }
}

export const listMigrationsAction = defineAction({
  name: "list",
  summary: "Changes nothing, and says which migrations are applied.",
  sections: { log: logSettings, backend: { db: databaseSettings } },
  run: ({ backend }, context) =>
    onDatabase(backend.db, context, (db) => orAborted(printMigrations(db), context.signal)),
});
