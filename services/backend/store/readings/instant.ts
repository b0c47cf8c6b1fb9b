import { type RawBuilder, sql } from "kysely";

/**
 * An instant in a statement, which the planner knows as well: partitions that it
 * rules out are not even looked at.
 *
 * @param micros Unix microseconds; -Infinity is before all.
 */
export function instant(micros: number): RawBuilder<Date> {
  return sql<Date>`to_timestamp(${micros}::float8 / 1000000)`;
}
