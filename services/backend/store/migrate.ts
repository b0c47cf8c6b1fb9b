import type { Logger } from "@logtape/logtape";
import type { Kysely } from "kysely";
import { type MigrationResultSet, Migrator } from "kysely/migration";
import { migrations } from "#migrations/index.ts";
import type { Database } from "./database.ts";

/** Applies every migration that is missing. Several at once are safe: they take turns. */
export async function migrateToLatest(db: Kysely<Database>, log: Logger): Promise<void> {
  report(await migratorOf(db).migrateToLatest(), log);
}

/** Undoes the newest migration that is applied. */
export async function migrateDown(db: Kysely<Database>, log: Logger): Promise<void> {
  report(await migratorOf(db).migrateDown(), log);
}

/** Names of all migrations, oldest first, and when each was applied. */
export async function listMigrations(
  db: Kysely<Database>,
): Promise<readonly { readonly name: string; readonly appliedAt: Date | undefined }[]> {
  const found = await migratorOf(db).getMigrations();
  return found.map(({ name, executedAt }) => ({ name, appliedAt: executedAt }));
}

function migratorOf(db: Kysely<Database>): Migrator {
  return new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve({ ...migrations }) },
  });
}

function report({ results, error }: MigrationResultSet, log: Logger): void {
  for (const { migrationName, direction, status } of results ?? []) {
    if (status === "Success") log.info("Migrated", { migration: migrationName, direction });
  }
  if (error !== undefined) throw error;
}
