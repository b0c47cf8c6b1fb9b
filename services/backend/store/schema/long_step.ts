import { type Kysely, type RawBuilder, sql } from "kysely";
import { sleep } from "#shared/lifecycle/sleep.ts";
import type { Database } from "../database.ts";
import { readIndexProgress } from "./index_progress.ts";
import type { MigrationContext } from "./migration_turn.ts";

/** Between two words of the progress, in milliseconds. */
const progressMs = 10_000;

export interface LongStep {
  readonly table: string;
  /** The index or the constraint that it makes. */
  readonly makes: string;
  readonly statement: RawBuilder<unknown>;
}

/** Runs a statement that may take hours, and says so: its begin, how far it is, its end. */
export async function runLongStep(
  session: Kysely<Database>,
  { table, makes, statement }: LongStep,
  { log, watch }: MigrationContext,
): Promise<void> {
  const { rows: [size] } = await sql<{ readonly rows: number }>`
    select greatest(reltuples, 0)::float8 as rows from pg_class where oid = to_regclass(${table})`
    .execute(session);
  log.info("Migrating beside those who write", { table, makes, aboutRows: size?.rows });
  const startedMs = performance.now();
  const ended = new AbortController();
  const telling = watch === undefined
    ? undefined
    : tellProgress(watch, ended.signal, (building) => log.info("Still migrating", { building }));
  try {
    await statement.execute(session);
  } finally {
    ended.abort();
    await telling;
  }
  log.info("Migrated beside those who write", {
    table,
    makes,
    seconds: Math.round(performance.now() - startedMs) / 1_000,
  });
}

async function tellProgress(
  watch: Kysely<Database>,
  ended: AbortSignal,
  tell: (building: unknown) => void,
): Promise<void> {
  for (;;) {
    await sleep(progressMs, ended);
    if (ended.aborted) return;
    // On the embedded database it has its turn after the statement; and none is owed to anyone.
    readIndexProgress(watch).then((building) => {
      if (!ended.aborted) tell(building);
    }, () => {});
  }
}
