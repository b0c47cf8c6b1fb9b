import { type Kysely, sql } from "kysely";
import type { Database } from "../../services/backend/store/database.ts";

/** What a table takes, with all its partitions. */
export interface TableBytes {
  readonly heap: number;
  readonly toast: number;
  readonly indexes: number;
  readonly all: number;
}

/** What readings take in one of their forms. */
export interface ReadingBytes extends TableBytes {
  readonly form: string;
  readonly readings: number;
  /** Of packed readings, without what the table adds. */
  readonly packed?: number;
}

export async function tableBytes(db: Kysely<Database>, table: string): Promise<TableBytes> {
  const { rows: [bytes] } = await sql<TableBytes>`
    select coalesce(sum(pg_table_size(c.oid) - toast), 0)::float8 as heap,
      coalesce(sum(toast), 0)::float8 as toast,
      coalesce(sum(pg_indexes_size(c.oid)), 0)::float8 as indexes,
      coalesce(sum(pg_total_relation_size(c.oid)), 0)::float8 as all
    from (
      select to_regclass(${table})::oid as oid
      union select inhrelid from pg_inherits where inhparent = to_regclass(${table})
    ) as tables
    join pg_class c using (oid)
    cross join lateral (
      select case when c.reltoastrelid = 0 then 0
        else pg_total_relation_size(c.reltoastrelid) end as toast
    ) as toasted`.execute(db);
  return bytes!;
}
