import { type Kysely, sql } from "kysely";
import { columnsOf } from "../../services/backend/history/columns_of.ts";
import { packReadings } from "../../services/backend/history/pack_readings.ts";
import type { Database } from "../../services/backend/store/database.ts";
import { makeMonths } from "../../services/backend/store/history/make_months.ts";
import { dayMicros, dayOf } from "../../services/backend/store/partitions/days.ts";
import { readingRow } from "./store_rows.ts";

/**
 * Has each of 100 devices, `d1` to `d100`, have a chunk of history of each of so
 * many days before `untilMicros`: all of the same three readings.
 */
export async function fillHistory(
  db: Kysely<Database>,
  untilMicros: number,
  days: number,
): Promise<void> {
  const end = dayOf(untilMicros);
  await makeMonths(db, Array.from({ length: days }, (_, day) => end - (1 + day) * dayMicros));
  const seconds = [0, 1, 2].map((second) => end / 1e6 - dayMicros / 1e6 + second);
  const columns = columnsOf(seconds.map((at) => readingRow("d1", { seconds: at })));
  const packed = packReadings(columns, 0, columns.count);
  await sql`
    insert into sensor_history (tenant_id, device_id, first_at, last_at, readings, packed)
    select 0, 'd' || d, first_at, first_at + interval '2 seconds', 3, ${packed}::bytea
    from generate_series(1, 100) d, generate_series(1, ${days}::int) n,
      lateral (select to_timestamp(${end / 1e6}::float8) - n * interval '1 day' as first_at) as at
    order by n, d`.execute(db);
}
