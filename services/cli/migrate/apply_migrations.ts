import { defineAction } from "#shared/command/define_action.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import { orAborted } from "#shared/lifecycle/or_aborted.ts";
import { databaseSettings } from "../../backend/config.ts";
import { waitForDatabase } from "../../backend/store/connection/wait_for_database.ts";
import { migrateToLatest } from "../../backend/store/schema/migrate.ts";
import { onDatabase } from "../database/on_database.ts";
import { printMigrations } from "./list_migrations.ts";

export const applyMigrationsAction = defineAction({
  name: "up",
  summary: "Applies all migrations that are missing.",
  sections: { log: logSettings, backend: { db: databaseSettings } },
  run: ({ backend }, context) =>
    onDatabase(backend.db, context, async (db) => {
      const { log, signal } = context;
      const migrate = () => migrateToLatest(db, log, { signal });
      await waitForDatabase(migrate, backend.db, log, signal);
      await orAborted(printMigrations(db), signal);
    }),
});
