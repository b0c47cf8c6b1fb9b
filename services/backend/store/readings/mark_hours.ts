import { type QueryCreator, sql } from "kysely";
import type { Database } from "../database.ts";

const markingUntil = sql<Date>`(select marking_until from reading_progress)`;

/** The hour (UTC) that an instant of the column `timestamp` is of. */
const hour = sql<Date>`date_bin(interval '1 hour', "timestamp", timestamptz '1970-01-01 00:00+00')`;

/** What a statement needs to return of the readings that it stores, for `markHours`. */
export const markedColumns = ["tenant_id", "device_id", "timestamp"] as const;

type Written = Pick<Database["sensor_readings"], "tenant_id" | "device_id" | "timestamp">;

/**
 * Marks the hours that the rows of `written` are of, as part of the statement
 * that stores them, where these may be rolled up by now. It has its lock on
 * `sensor_readings` before it sees until when it must: `writersUnderWay` counts on that.
 */
export function markHours(from: QueryCreator<Database & { readonly written: Written }>) {
  return from.insertInto("rollup_marks")
    .columns(["tenant_id", "device_id", "hour"])
    .expression(
      from.selectFrom("written")
        .select(["tenant_id", "device_id", hour.as("hour")])
        .distinct()
        .where("timestamp", "<", markingUntil),
    );
}
