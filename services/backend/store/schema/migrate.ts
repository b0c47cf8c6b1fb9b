import type { Logger } from "@logtape/logtape";
import type { Kysely } from "kysely";
import { type Migration, type MigrationResultSet, Migrator } from "kysely/migration";
import { migrations } from "#migrations/index.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import type { Database } from "../database.ts";
import { readSchemaVersion, refuseBrokenBy } from "./schema_version.ts";

/**
 * Applies every migration that is missing. Several at once are safe: they take
 * turns. Where none is missing, there is no turn to wait for: a later release
 * may be migrating for hours. What that has applied is left as it is, and noted.
 *
 * @throws {ExitError} if the schema says that it breaks this release.
 */
export async function migrateToLatest(db: Kysely<Database>, log: Logger): Promise<void> {
  const schema = await readSchemaVersion(db);
  refuseBrokenBy(schema);
  const { unknown } = schema;
  if (schema.missing.length > 0) {
    const done = await migratorOf(db, unknown).migrateToLatest();
    // A later release came in between: Kysely refuses what was not in its list.
    if (done.error !== undefined && await knowsLess(db, unknown)) {
      return await migrateToLatest(db, log);
    }
    report(done, log);
  }
  if (unknown.length > 0) {
    log.info("The database's schema is of a later release", { migrations: unknown });
  }
}

/**
 * Undoes the newest migration that is applied.
 *
 * @throws {ExitError} if it is one of a later release, which alone can undo it.
 */
export async function migrateDown(db: Kysely<Database>, log: Logger): Promise<void> {
  const { unknown } = await readSchemaVersion(db);
  const newest = unknown.at(-1);
  if (newest !== undefined) {
    throw new ExitError(
      `Cannot undo ${newest}: this release does not know it; undo it by the one that applied it`,
    );
  }
  report(await migratorOf(db, []).migrateDown(), log);
}

export interface ListedMigration {
  readonly name: string;
  /** Undefined while it is not applied. */
  readonly appliedAt: Date | undefined;
  /** False if it is of a later release. */
  readonly known: boolean;
}

/** All migrations, oldest first, those of a later release included. */
export async function listMigrations(db: Kysely<Database>): Promise<readonly ListedMigration[]> {
  const { unknown } = await readSchemaVersion(db);
  const found = await migratorOf(db, unknown).getMigrations();
  return found.map(({ name, executedAt }) => ({
    name,
    appliedAt: executedAt,
    known: name in migrations,
  }));
}

/** @param unknown Names that are applied, and do nothing here: Kysely wants each to have a migration. */
function migratorOf(db: Kysely<Database>, unknown: readonly string[]): Migrator {
  const inert: Migration = { up: () => Promise.resolve() };
  const all = { ...migrations, ...Object.fromEntries(unknown.map((name) => [name, inert])) };
  return new Migrator({ db, provider: { getMigrations: () => Promise.resolve(all) } });
}

async function knowsLess(db: Kysely<Database>, unknown: readonly string[]): Promise<boolean> {
  return (await readSchemaVersion(db)).unknown.length > unknown.length;
}

function report({ results, error }: MigrationResultSet, log: Logger): void {
  for (const { migrationName, direction, status } of results ?? []) {
    if (status === "Success") log.info("Migrated", { migration: migrationName, direction });
  }
  if (error !== undefined) throw error;
}
