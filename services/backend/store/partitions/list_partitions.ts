import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";

/** A table that is partitioned by instants. */
export type PartitionedTable =
  | "sensor_readings"
  | "closed_readings"
  | "sensor_history"
  | "rollups_minute"
  | "rollups_hour"
  | "rollups_day";

/** A part of a table, and which instants it holds. */
export interface Partition {
  readonly name: string;
  /** Unix microseconds, of a whole day in UTC; -Infinity if it has no beginning. */
  readonly fromMicros: number;
  /** The first that it does not hold. */
  readonly untilMicros: number;
}

/** The partitions of a table, the oldest first. */
export async function listPartitions(
  db: Kysely<Database>,
  table: PartitionedTable,
): Promise<readonly Partition[]> {
  const { rows } = await sql<Partition>`
    select name, (extract(epoch from "from") * 1000000)::float8 as "fromMicros",
      (extract(epoch from until) * 1000000)::float8 as "untilMicros"
    from (
      select relname::text as name,
        coalesce(substring(bound from ${"FROM \\('([^']*)'\\)"}), '-infinity')::timestamptz as "from",
        substring(bound from ${"TO \\('([^']*)'\\)"})::timestamptz as until
      from (
        select c.relname, pg_get_expr(c.relpartbound, c.oid) as bound
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = to_regclass(${table})
      ) as bounds
    ) as partitions
    order by until`.execute(db);
  return rows;
}
