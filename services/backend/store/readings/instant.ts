import { type RawBuilder, sql } from "kysely";

/** @param micros Unix microseconds */
export function instant(micros: number): RawBuilder<Date> {
  return sql<Date>`(timestamptz 'epoch' + ${micros}::float8 * interval '1 microsecond')`;
}
