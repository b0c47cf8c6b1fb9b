import { defineActions } from "#shared/command/define_actions.ts";
import { backendSettings } from "../../backend/config.ts";
import { applyMigrationsAction } from "./apply_migrations.ts";
import { distributeTablesAction } from "./distribute_tables.ts";
import { listMigrationsAction } from "./list_migrations.ts";
import { undoMigrationAction } from "./undo_migration.ts";

export const migrateCommand = defineActions({
  name: "migrate",
  task: true,
  summary: "Brings the database's tables up to date, and lists the migrations.",
  actions: [
    applyMigrationsAction,
    undoMigrationAction,
    listMigrationsAction,
    distributeTablesAction,
  ],
  unused: backendSettings,
});
