import { type RawBuilder, sql } from "kysely";
import { instantText } from "./instant_text.ts";

/**
 * As a parameter that is an instant as it is: of one that must be computed, even
 * from parameters alone, the planner would not know which partitions it leaves out.
 *
 * @param micros Unix microseconds, whole ones; -Infinity is before all.
 */
export function instant(micros: number): RawBuilder<Date> {
  return sql<Date>`${instantText(micros)}::timestamptz`;
}
