import { type Kysely, sql } from "kysely";
import { textArray } from "../connection/binary_array.ts";
import type { Database } from "../database.ts";
import { dayOf } from "../partitions/days.ts";
import { instant } from "../rows/instant.ts";
import { type BucketPoint, pointOf } from "./bucket_point.ts";
import { readParts } from "./read_parts.ts";
import type { RollupLevel } from "./rollup_levels.ts";
import { rollupProgress } from "./rollup_progress.ts";
import { type DeviceSpan, writeBuckets } from "./write_buckets.ts";
import { writePoints } from "./write_points.ts";

/** As `writeBuckets`, of readings in whatever form. */
export async function writeFromReadings(
  transaction: Kysely<Database>,
  level: RollupLevel,
  span: DeviceSpan,
): Promise<number> {
  let written = await writeBuckets(transaction, level, "readings", span);
  // After it: what has been packed by then, or since, is found now.
  for (const deviceId of await packedDevices(transaction, span)) {
    const points = await pointsOf(transaction, level, span, deviceId);
    written += await writePoints(transaction, level, { ...span, deviceId, points });
  }
  return written;
}

/** Those of the devices that have packed readings of the span. */
async function packedDevices(
  db: Kysely<Database>,
  { tenantId, deviceIds, fromMicros, untilMicros }: DeviceSpan,
): Promise<readonly string[]> {
  const { openFromMicros } = await rollupProgress(db);
  if (fromMicros >= openFromMicros) return [];
  const found = await db.selectFrom("sensor_history")
    .select("device_id").distinct()
    .where("tenant_id", "=", tenantId)
    .where("device_id", "=", sql<string>`any(${textArray(deviceIds)}::text[])`)
    .where("first_at", ">=", instant(dayOf(fromMicros)))
    .where("first_at", "<", instant(untilMicros))
    .where("last_at", ">=", instant(fromMicros))
    .execute();
  return found.map(({ device_id }) => device_id);
}

async function pointsOf(
  db: Kysely<Database>,
  { bucketMicros }: RollupLevel,
  { tenantId, fromMicros, untilMicros }: DeviceSpan,
  deviceId: string,
): Promise<readonly BucketPoint[]> {
  const span = { fromMicros, untilMicros };
  const plan = {
    rollups: { rollups_minute: [], rollups_hour: [], rollups_day: [] },
    readings: [span],
  };
  for (;;) {
    const progress = await rollupProgress(db);
    const query = { tenantId, deviceId, bucketMicros, ...span, plan, progress };
    const { asBefore, parts } = await readParts(db, query);
    if (asBefore) return [...parts].map(([start, parts]) => pointOf(start, parts));
  }
}
