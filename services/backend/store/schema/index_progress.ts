import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";

/** Where the build of an index is that some session is at. */
export interface IndexProgress {
  readonly index: string;
  /** In the server's words. */
  readonly phase: string;
  /** Of the phase, where it tells. */
  readonly percent: number | null;
}

/** The builds under way in this database, by whichever sessions, as of now: in a transaction too. */
export async function readIndexProgress(
  db: Kysely<Database>,
): Promise<readonly IndexProgress[]> {
  // A transaction would go on seeing what it saw first.
  await sql`select pg_stat_clear_snapshot()`.execute(db);
  const { rows } = await sql<IndexProgress>`
    select index_relid::regclass::text as index, phase,
      floor(100 * case
        when phase like 'waiting for%' then lockers_done::float8 / nullif(lockers_total, 0)
        when phase like '%scanning%' then blocks_done::float8 / nullif(blocks_total, 0)
        when phase like '%loading%' then tuples_done::float8 / nullif(tuples_total, 0)
      end)::int as percent
    from pg_stat_progress_create_index
    where datname = current_database() and index_relid <> 0`.execute(db);
  return rows;
}
