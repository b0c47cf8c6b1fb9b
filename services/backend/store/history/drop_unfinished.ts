import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";
import { dayMicros, partitionName } from "../partitions/days.ts";
import type { Partition } from "../partitions/list_partitions.ts";

/**
 * Drops what was to be rows again of days that are packed, where that has not come
 * to its end: in a table that nobody reads. Under `lockPartitions`.
 */
export async function dropUnfinished(
  transaction: Kysely<Database>,
  { fromMicros, untilMicros }: Pick<Partition, "fromMicros" | "untilMicros">,
): Promise<void> {
  const days: string[] = [];
  for (let day = fromMicros; day < untilMicros; day += dayMicros) {
    days.push(partitionName(day, day + dayMicros));
  }
  const { rows } = await sql<{ readonly name: string }>`
    select relname::text as name
    from unnest(${days}::text[]) as days(name) join pg_class on oid = to_regclass(days.name)
    where not relispartition`.execute(transaction);
  for (const { name } of rows) await sql`drop table ${sql.table(name)}`.execute(transaction);
}
