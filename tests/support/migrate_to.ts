import { getLogger } from "@logtape/logtape";
import type { Kysely } from "kysely";
import { type MigrationResultSet, Migrator } from "kysely/migration";
import { migrations } from "#migrations/index.ts";
import type { Database } from "../../services/backend/store/database.ts";
import { listMigrations } from "../../services/backend/store/schema/migrate.ts";
import { prepareMigration } from "../../services/backend/store/schema/prepare_migration.ts";

/** Migrates forth, or back, to a migration, as one does who is alone with the database. */
export async function migrateTo(db: Kysely<Database>, name: string): Promise<void> {
  const provider = { getMigrations: () => Promise.resolve({ ...migrations }) };
  const { error }: MigrationResultSet = await new Migrator({ db, provider }).migrateTo(name);
  if (error !== undefined) throw error;
}

/** Migrates forth to a migration beside those who use the tables, as the release does whose newest it is. */
export async function upgradeTo(db: Kysely<Database>, newest: string): Promise<void> {
  const log = getLogger("upgrade");
  for (const { name, appliedAt } of await listMigrations(db)) {
    if (appliedAt !== undefined || name > newest) continue;
    const steps = await migrations[name]!.prepare?.(db) ?? [];
    await prepareMigration(db, steps, { log });
    await migrateTo(db, name);
  }
}
