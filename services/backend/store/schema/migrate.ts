import type { Logger } from "@logtape/logtape";
import type { Kysely } from "kysely";
import { type Migration, type MigrationResultSet, Migrator } from "kysely/migration";
import { CannotUndo } from "#migrations/cannot_undo.ts";
import { migrations } from "#migrations/index.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import type { Database } from "../database.ts";
import { lockLimit, untilLocked } from "./lock_briefly.ts";
import { type MigrationContext, onMigrationTurn } from "./migration_turn.ts";
import { prepareMigration } from "./prepare_migration.ts";
import { readSchemaVersion, refuseBrokenBy } from "./schema_version.ts";
import { migrateUnlocked } from "./unlocked_migrator.ts";

export type MigrateOptions = Omit<MigrationContext, "log">;

/**
 * Applies every migration that is missing, and goes on with one that was
 * interrupted. Several at once are safe: they take turns. Where none is
 * missing, there is no turn to wait for: a later release may be migrating for
 * hours. What that has applied is left as it is, and noted.
 *
 * @throws {ExitError} if the schema says that it breaks this release.
 */
export async function migrateToLatest(
  db: Kysely<Database>,
  log: Logger,
  options: MigrateOptions = {},
): Promise<void> {
  if (!await missesNone(db)) {
    await onMigrationTurn(db, { ...options, log }, {
      done: () => missesNone(db),
      work: (session) => applyMissing(session, { ...options, log }),
    });
  }
  const { unknown } = await readSchemaVersion(db);
  if (unknown.length > 0) {
    log.info("The database's schema is of a later release", { migrations: unknown });
  }
}

async function missesNone(db: Kysely<Database>): Promise<boolean> {
  const schema = await readSchemaVersion(db);
  refuseBrokenBy(schema);
  return schema.missing.length === 0;
}

async function applyMissing(session: Kysely<Database>, context: MigrationContext): Promise<void> {
  const schema = await readSchemaVersion(session);
  refuseBrokenBy(schema);
  const { missing, unknown } = schema;
  const migrate = async (run: (all: Migrator) => Promise<MigrationResultSet>, limitMs?: number) =>
    report(await migrateUnlocked(session, allWith(unknown, limitMs), run), context);
  // There are no tables that anyone could use.
  const fresh = missing.length === Object.keys(migrations).length && unknown.length === 0;
  if (fresh) return await migrate((all) => all.migrateToLatest());
  for (const name of missing) {
    // Each is in the list, which those that are missing are taken from.
    const { prepare, locks } = migrations[name]!;
    if (prepare !== undefined) {
      await prepareMigration(session, await prepare(session), context);
    }
    const up = (limitMs?: number) => migrate((all) => all.migrateUp(), limitMs);
    if (locks === undefined) await up();
    else await untilLocked(session, locks, context, up);
  }
}

/**
 * Undoes the newest migration that is applied.
 *
 * @throws {ExitError} if it is one of a later release, which alone can undo it,
 *   or if it refuses, for data that would be lost.
 */
export async function migrateDown(
  db: Kysely<Database>,
  log: Logger,
  options: MigrateOptions = {},
): Promise<void> {
  await onMigrationTurn(db, { ...options, log }, {
    done: () => Promise.resolve(false),
    async work(session) {
      const { unknown } = await readSchemaVersion(session);
      const newest = unknown.at(-1);
      if (newest !== undefined) {
        throw new ExitError(
          `Cannot undo ${newest}: this release does not know it; undo it by the one that applied it`,
        );
      }
      const undo = async (limitMs?: number) => {
        const undone = allWith([], limitMs);
        report(await migrateUnlocked(session, undone, (all) => all.migrateDown()), { log });
      };
      const applied = (await listMigrations(session)).findLast(({ appliedAt }) =>
        appliedAt !== undefined
      );
      const locks = applied && migrations[applied.name]?.locks;
      await (locks === undefined ? undo() : untilLocked(session, locks, { ...options, log }, undo));
    },
  });
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
  const provider = { getMigrations: () => Promise.resolve(allWith(unknown)) };
  const found = await new Migrator({ db, provider }).getMigrations();
  return found.map(({ name, executedAt }) => ({
    name,
    appliedAt: executedAt,
    known: name in migrations,
  }));
}

/**
 * @param unknown Names that are applied, and do nothing here: Kysely wants each to have a migration.
 * @param limitMs Longest that an `up` or a `down` waits for a lock; without end if not given.
 */
function allWith(unknown: readonly string[], limitMs?: number): Record<string, Migration> {
  const inert: Migration = { up: () => Promise.resolve() };
  const within = (step: Migration["up"]) => async (transaction: Kysely<unknown>) => {
    if (limitMs !== undefined) await lockLimit(limitMs).execute(transaction);
    await step(transaction);
  };
  const limited = ({ up, down }: Migration): Migration => ({
    up: within(up),
    ...(down === undefined ? {} : { down: within(down) }),
  });
  return Object.fromEntries([
    ...Object.entries(migrations).map(([name, migration]) => [name, limited(migration)] as const),
    ...unknown.map((name) => [name, inert] as const),
  ]);
}

/** @throws what a migration failed with. */
function report({ results, error }: MigrationResultSet, { log }: Pick<MigrationContext, "log">) {
  for (const { migrationName, direction, status } of results ?? []) {
    if (status === "Success") log.info("Migrated", { migration: migrationName, direction });
    else if (status === "Error" && error instanceof CannotUndo) {
      throw new ExitError(`Cannot undo ${migrationName}: ${error.message}`, { cause: error });
    }
  }
  if (error !== undefined) throw error;
}
