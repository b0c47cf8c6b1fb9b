import { type Kysely, sql } from "kysely";
import type { DeviceKey } from "../../readings/device_key.ts";
import { textArray } from "../connection/binary_array.ts";
import type { Database } from "../database.ts";
import { pageDeviceKeys } from "../rows/page_device_keys.ts";
import { instant } from "../rows/instant.ts";
import { outside } from "./outside.ts";
import type { Span } from "./plan_buckets.ts";
import { rollSpan } from "./roll_span.ts";
import { dayLevel, hourLevel, minuteLevel } from "./rollup_levels.ts";
import type { RollupProgress } from "./rollup_progress.ts";
import type { DeviceSpan } from "./write_buckets.ts";

export interface RebuiltPart {
  readonly devices: number;
  readonly readings: number;
  /** The last device of the part; undefined once there are no more. */
  readonly next: DeviceKey | undefined;
}

/**
 * Has rollups of whole days say what the readings do, whatever they said before,
 * for the next devices; what is not rolled up yet, and what is of readings that
 * are gone, is left alone. What comes meanwhile is marked. In a transaction, of
 * one who alone rolls up.
 */
export async function rebuildPart(
  transaction: Kysely<Database>,
  days: Span,
  { after, progress, maxDevices }: {
    readonly after: DeviceKey | undefined;
    readonly progress: RollupProgress;
    readonly maxDevices: number;
  },
): Promise<RebuiltPart> {
  const page = await pageDeviceKeys(transaction, after, maxDevices);
  const untilMicros = Math.min(days.untilMicros, progress.rolledUntilMicros);
  const parts = outside({ ...days, untilMicros }, progress.dropped);
  let readings = 0;
  for (const [tenantId, devices] of Map.groupBy(page, ({ tenantId }) => tenantId)) {
    const deviceIds = devices.map(({ deviceId }) => deviceId);
    for (const part of parts) {
      const span = { tenantId, deviceIds, ...part };
      await deleteBuckets(transaction, span);
      readings += await rollSpan(transaction, span, progress);
    }
  }
  const more = page.length === maxDevices;
  return { devices: page.length, readings, next: more ? page.at(-1) : undefined };
}

async function deleteBuckets(
  transaction: Kysely<Database>,
  { tenantId, deviceIds, fromMicros, untilMicros }: DeviceSpan,
): Promise<void> {
  for (const { table } of [minuteLevel, hourLevel, dayLevel]) {
    await transaction.deleteFrom(table)
      .where("tenant_id", "=", tenantId)
      .where("device_id", "=", sql<string>`any(${textArray(deviceIds)}::text[])`)
      .where("starts_at", ">=", instant(fromMicros))
      .where("starts_at", "<", instant(untilMicros))
      .execute();
  }
}
