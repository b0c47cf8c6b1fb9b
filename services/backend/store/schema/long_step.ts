import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Database } from "../database.ts";
import type { MigrationContext } from "./migration_turn.ts";

export interface LongStep {
  readonly table: string;
  /** The index or the constraint that it makes. */
  readonly makes: string;
  readonly statement: RawBuilder<unknown>;
}

/** Runs a statement that may take hours, and tells of its begin and its end. */
export async function runLongStep(
  session: Kysely<Database>,
  { table, makes, statement }: LongStep,
  { log }: MigrationContext,
): Promise<void> {
  const { rows: [size] } = await sql<{ readonly rows: number }>`
    select greatest(reltuples, 0)::float8 as rows from pg_class where oid = to_regclass(${table})`
    .execute(session);
  log.info("Migrating beside those who write", { table, makes, aboutRows: size?.rows });
  const startedMs = performance.now();
  await statement.execute(session);
  const seconds = Math.round(performance.now() - startedMs) / 1_000;
  log.info("Migrated beside those who write", { table, makes, seconds });
}
