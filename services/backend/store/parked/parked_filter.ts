import { type ExpressionBuilder, sql } from "kysely";
import type { Database } from "../database.ts";

/** Which of the parked readings are meant. */
export interface ParkedFilter {
  readonly deviceId: string | undefined;
  /** Only readings that have been parked for longer, in milliseconds. */
  readonly olderThanMs: number | undefined;
}

/** Whether a parked reading passes the filter. */
export function passes({ deviceId, olderThanMs }: ParkedFilter) {
  return (eb: ExpressionBuilder<Database, "parked_readings">) =>
    eb.and([
      ...deviceId === undefined ? [] : [eb("device_id", "=", deviceId)],
      ...olderThanMs === undefined ? [] : [eb("parked_at", "<", longAgo(olderThanMs))],
    ]);
}

/** An instant of the database's clock. */
export function longAgo(ms: number) {
  return sql<Date>`now() - ${ms}::float8 * interval '1 millisecond'`;
}
