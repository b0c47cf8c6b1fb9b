import { type RawBuilder, sql } from "kysely";

/** @param micros Unix microseconds */
export function instant(micros: number): RawBuilder<unknown> {
  return sql`(timestamptz 'epoch' + ${micros}::float8 * interval '1 microsecond')`;
}
