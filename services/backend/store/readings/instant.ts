import { type RawBuilder, sql } from "kysely";

/**
 * As a parameter that is an instant as it is: of one that must be computed, even
 * from parameters alone, the planner would not know which partitions it leaves out.
 *
 * @param micros Unix microseconds, whole ones
 */
export function instant(micros: number): RawBuilder<Date> {
  const ms = Math.floor(micros / 1_000);
  const rest = String(micros - ms * 1_000).padStart(3, "0");
  return sql<Date>`${new Date(ms).toISOString().replace("Z", `${rest}Z`)}::timestamptz`;
}
