import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";
import type { KeptPart } from "./kept_parts.ts";

/** How many there are of each day (UTC) that has some: readings, or of rollups buckets. */
export type DayCounts = ReadonlyMap<string, number>;

/** In which column a table has its instants, and how many readings a row is. */
const columns = {
  sensor_readings: { at: "timestamp", rows: sql`count(*)` },
  closed_readings: { at: "timestamp", rows: sql`count(*)` },
  sensor_history: { at: "first_at", rows: sql`sum(readings)` },
  rollups_minute: { at: "starts_at", rows: sql`count(*)` },
  rollups_hour: { at: "starts_at", rows: sql`count(*)` },
  rollups_day: { at: "starts_at", rows: sql`count(*)` },
} as const;

/** What a partition has, by the day, in the order of days. */
export async function countDays(
  db: Kysely<Database>,
  { table, partition }: Pick<KeptPart, "table" | "partition">,
): Promise<DayCounts> {
  const { at, rows } = columns[table];
  const { rows: days } = await sql<{ readonly day: string; readonly count: number }>`
    select day::text as day, count from (
      select (${sql.ref(at)} at time zone 'UTC')::date as day, (${rows})::float8 as count
      from ${sql.table(partition.name)} group by 1
    ) as days order by 1`.execute(db);
  return new Map(days.map(({ day, count }) => [day, count]));
}

export function sumOf(counts: DayCounts): number {
  return counts.values().reduce((sum, count) => sum + count, 0);
}

/** Whether both have the same days, and as many of each. */
export function isSame(some: DayCounts, others: DayCounts): boolean {
  return some.size === others.size &&
    some.entries().every(([day, count]) => others.get(day) === count);
}
