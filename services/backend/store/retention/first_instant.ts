import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";
import { instant } from "../readings/instant.ts";
import type { ReadingsTable } from "./read_day.ts";

/**
 * The instant of a table's first reading from `fromMicros` until before `untilMicros`,
 * in Unix microseconds; undefined where there is none. Device by device, by their key:
 * that takes some microseconds of each.
 */
export async function firstInstant(
  db: Kysely<Database>,
  table: ReadingsTable,
  { fromMicros, untilMicros }: { readonly fromMicros: number; readonly untilMicros: number },
): Promise<number | undefined> {
  const at = sql.ref(table === "sensor_history" ? "r.first_at" : "r.timestamp");
  const { rows: [found] } = await sql<{ readonly first: number | null }>`
    select (extract(epoch from min(first.at)) * 1000000)::float8 as first
    from iot_devices d cross join lateral (
      select ${at} as at from ${sql.table(table)} r
      where r.tenant_id = d.tenant_id and r.device_id = d.device_id
        and ${at} >= ${instant(fromMicros)} and ${at} < ${instant(untilMicros)}
      order by ${at} limit 1
    ) as first`.execute(db);
  return found!.first ?? undefined;
}
