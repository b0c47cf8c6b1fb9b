import { type Kysely, sql } from "kysely";
import type { NewIndex } from "#migrations/online_step.ts";
import { sleep } from "#shared/lifecycle/sleep.ts";
import type { Database } from "../database.ts";
import { runLongStep } from "./long_step.ts";
import type { MigrationContext } from "./migration_turn.ts";

/** Between two looks at a build that another session is at, in milliseconds. */
const pollMs = 1_000;

type IndexState = "absent" | "building" | "broken" | "built";

/** Sees to it that an index is there, whatever an interrupted build has left of it. */
export async function buildIndex(
  session: Kysely<Database>,
  { table, index, unique, columns, note }: NewIndex,
  context: MigrationContext,
): Promise<void> {
  const { log, signal } = context;
  for (;;) {
    const state = await stateOf(session, index);
    if (state === "built") return;
    if (state === "building") {
      // By a session that has no program any more, which the server has not noticed.
      log.info("Waiting for an index that another session builds", { index });
      await sleep(pollMs, signal);
      signal?.throwIfAborted();
    } else if (state === "broken") {
      log.info("Dropping what an interrupted build left", { index });
      await sql`drop index concurrently if exists ${sql.id(index)}`.execute(session);
    } else {
      const statement = sql`
        create ${unique ? sql`unique index` : sql`index`} concurrently if not exists ${
        sql.id(index)
      }
        on ${sql.table(table)} (${columns})`;
      await runLongStep(session, { table, makes: index, statement }, context);
      if (note !== undefined) log.info("Built an index", { index, note });
    }
  }
}

async function stateOf(session: Kysely<Database>, index: string): Promise<IndexState> {
  const { rows: [found] } = await sql<{ readonly state: Exclude<IndexState, "absent"> }>`
    select case
      when indisvalid then 'built'
      when indexrelid in (select index_relid from pg_stat_progress_create_index) then 'building'
      else 'broken'
    end as state
    from pg_index where indexrelid = to_regclass(${index})`.execute(session);
  return found?.state ?? "absent";
}
