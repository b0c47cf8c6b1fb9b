import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";
import { instant } from "../rows/instant.ts";
import { dayMicros, dayOf } from "../partitions/days.ts";

/** Readings are of no earlier time. */
const earliestMicros = Date.UTC(2000) * 1_000;

/**
 * The instant of the first reading from `fromMicros` until before `untilMicros`,
 * in Unix microseconds; undefined where there is none. It looks in spans that
 * double, device by device, so that neither years without a reading nor the many
 * readings of others cost much.
 */
export async function firstReading(
  db: Kysely<Database>,
  fromMicros: number,
  untilMicros: number,
): Promise<number | undefined> {
  let from = fromMicros;
  for (let span = dayMicros; from < untilMicros; span *= 2) {
    const until = Math.min(Math.max(from, earliestMicros) + span, untilMicros);
    const first = await firstWithin(db, from, until);
    if (first !== undefined) return first;
    from = until;
  }
  return undefined;
}

async function firstWithin(
  db: Kysely<Database>,
  fromMicros: number,
  untilMicros: number,
): Promise<number | undefined> {
  const of = (table: string, first: string, last: string, sinceMicros: number) =>
    sql`
    select min(found.at) as at from iot_devices d cross join lateral (
      select ${sql.id(first)} as at from ${sql.table(table)} r
      where r.tenant_id = d.tenant_id and r.device_id = d.device_id
        and r.${sql.id(first)} >= ${instant(sinceMicros)}
        and r.${sql.id(first)} < ${instant(untilMicros)}
        and r.${sql.id(last)} >= ${instant(fromMicros)}
      order by r.${sql.id(first)} limit 1
    ) as found`;
  const { rows } = await sql<{ readonly micros: number | null }>`
    select (extract(epoch from at) * 1000000)::float8 as micros from (
      ${of("sensor_readings", "timestamp", "timestamp", fromMicros)}
      union all ${of("closed_readings", "timestamp", "timestamp", fromMicros)}
      union all ${of("sensor_history", "first_at", "last_at", dayOf(fromMicros))}
    ) as firsts`.execute(db);
  const found = rows.flatMap(({ micros }) => micros === null ? [] : [micros]);
  // A chunk of history may begin before.
  return found.length === 0 ? undefined : Math.max(Math.min(...found), fromMicros);
}
