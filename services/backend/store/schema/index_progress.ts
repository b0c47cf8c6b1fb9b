import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";

/** Where the build of an index is that some session is at. */
export interface IndexProgress {
  readonly index: string;
  /** In the server's words. */
  readonly phase: string;
  /** Of the phase, where that can be told. */
  readonly percent: number | null;
}

/** The builds under way in this database, by whichever sessions. */
export async function readIndexProgress(
  db: Kysely<Database>,
): Promise<readonly IndexProgress[]> {
  const { rows } = await sql<IndexProgress>`
    select index_relid::regclass::text as index, phase, floor(100 * coalesce(
      tuples_done::float8 / nullif(tuples_total, 0),
      blocks_done::float8 / nullif(blocks_total, 0),
      lockers_done::float8 / nullif(lockers_total, 0)
    ))::int as percent
    from pg_stat_progress_create_index
    where datname = current_database() and index_relid <> 0`.execute(db);
  return rows;
}
