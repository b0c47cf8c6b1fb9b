import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";
import { isoDay } from "../partitions/days.ts";
import { listPartitions, type Partition } from "../partitions/list_partitions.ts";

/** The oldest partition of closed days that is to be packed: none that a person wants as rows. */
export async function nextToPack(db: Kysely<Database>): Promise<Partition | undefined> {
  const closed = await listPartitions(db, "closed_readings");
  if (closed.length === 0) return undefined;
  const expanded = await db.selectFrom("compacted_days")
    .select(sql<string>`day::text`.as("day")).where("expanded", "=", true).execute();
  const asRows = new Set(expanded.map(({ day }) => day));
  return closed.find(({ fromMicros }) =>
    fromMicros === -Infinity || !asRows.has(isoDay(fromMicros))
  );
}
