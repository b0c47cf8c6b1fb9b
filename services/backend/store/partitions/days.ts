import { type RawBuilder, sql } from "kysely";

const dayMs = 86_400_000;
export const dayMicros = dayMs * 1_000;

/** The beginning of the day (UTC) that an instant is of; all in Unix microseconds. */
export function dayOf(micros: number): number {
  return Math.floor(micros / dayMicros) * dayMicros;
}

/** An instant at which a day begins, as the text of a statement that takes no parameters. */
export function dayBound(micros: number): RawBuilder<Date> {
  return micros === -Infinity
    ? sql<Date>`minvalue`
    : sql<Date>`timestamptz ${sql.lit(`${isoDay(micros)} 00:00:00+00`)}`;
}

/** The partition of the days from `fromMicros` until before `untilMicros`. */
export function partitionName(fromMicros: number, untilMicros: number): string {
  const first = isoDay(fromMicros).replaceAll("-", "");
  if (untilMicros - fromMicros === dayMicros) return `sensor_readings_${first}`;
  return `sensor_readings_${first}_${isoDay(untilMicros - dayMicros).replaceAll("-", "")}`;
}

/** Such as 2026-11-25. */
export function isoDay(micros: number): string {
  return new Date(micros / 1_000).toISOString().slice(0, 10);
}
