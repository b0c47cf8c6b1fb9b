import { type RawBuilder, sql } from "kysely";

/**
 * As a parameter that is an instant as it is: of one that must be computed, even
 * from parameters alone, the planner would not know which partitions it leaves out.
 *
 * @param micros Unix microseconds, whole ones; -Infinity is before all.
 */
export function instant(micros: number): RawBuilder<Date> {
  return sql<Date>`${micros === -Infinity ? "-infinity" : textOf(micros)}::timestamptz`;
}

function textOf(micros: number): string {
  const ms = Math.floor(micros / 1_000);
  const rest = String(micros - ms * 1_000).padStart(3, "0");
  return new Date(ms).toISOString().replace("Z", `${rest}Z`);
}
