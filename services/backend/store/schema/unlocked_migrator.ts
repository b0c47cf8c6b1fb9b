import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from "kysely";
import { type Migration, type MigrationResultSet, Migrator } from "kysely/migration";
import type { Database } from "../database.ts";

/**
 * Has Kysely migrate on a session whose user has the turn already. Kysely's own
 * lock, a session's, would wait for that turn, and stay behind in a pooler.
 */
export async function migrateUnlocked(
  session: Kysely<Database>,
  migrations: Readonly<Record<string, Migration>>,
  run: (migrator: Migrator) => Promise<MigrationResultSet>,
): Promise<MigrationResultSet> {
  return await session.getExecutor().provideConnection(async (connection) => {
    const db = new Kysely<Database>({ dialect: dialectOn(connection) });
    const provider = { getMigrations: () => Promise.resolve({ ...migrations }) };
    return await run(new Migrator({ db, provider }));
  });
}

function dialectOn(connection: DatabaseConnection): Dialect {
  return {
    createAdapter: () => new UnlockedAdapter(),
    createDriver: () => driverOf(connection),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
}

class UnlockedAdapter extends PostgresAdapter {
  override acquireMigrationLock(): Promise<void> {
    return Promise.resolve();
  }

  override releaseMigrationLock(): Promise<void> {
    return Promise.resolve();
  }
}

function driverOf(connection: DatabaseConnection): Driver {
  const nothing = () => Promise.resolve();
  const execute = (text: string) => async (at: DatabaseConnection) =>
    void await at.executeQuery(CompiledQuery.raw(text));
  return {
    init: nothing,
    acquireConnection: () => Promise.resolve(connection),
    beginTransaction: execute("begin"),
    commitTransaction: execute("commit"),
    rollbackTransaction: execute("rollback"),
    releaseConnection: nothing,
    destroy: nothing,
  };
}
