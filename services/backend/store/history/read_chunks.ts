import { type Kysely, sql } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import { textArray, timestamptzArray } from "../connection/binary_array.ts";
import type { Database } from "../database.ts";
import { dayMicros, dayOf } from "../partitions/days.ts";
import { instant } from "../rows/instant.ts";

/** A stretch of time of a device within one day (UTC), in Unix microseconds, both ends included. */
export interface DeviceStretch {
  readonly deviceId: string;
  readonly fromMicros: number;
  readonly lastMicros: number;
}

export interface FoundChunk {
  readonly deviceId: string;
  readonly firstMicros: number;
  readonly packed: Uint8Array;
}

/** The chunks that may hold readings of one of the stretches, in the order of device and time. */
export async function readChunks(
  db: Kysely<Database>,
  tenantId: TenantId,
  stretches: readonly DeviceStretch[],
): Promise<readonly FoundChunk[]> {
  if (stretches.length === 0) return [];
  const ids = [...new Set(stretches.map(({ deviceId }) => deviceId))];
  const oldest = stretches.reduce((least, { fromMicros }) => Math.min(least, fromMicros), Infinity);
  const newest = stretches.reduce((most, { lastMicros }) => Math.max(most, lastMicros), -Infinity);
  return await db.selectFrom("sensor_history as h")
    .innerJoin(recordsOf(stretches), (join) =>
      join.onRef("h.device_id", "=", "wanted.device_id")
        .onRef("h.first_at", ">=", "wanted.day")
        .onRef("h.first_at", "<=", "wanted.until")
        .onRef("h.last_at", ">=", "wanted.from"))
    .select([
      "h.device_id as deviceId",
      sql<number>`(extract(epoch from h.first_at) * 1000000)::float8`.as("firstMicros"),
      "h.packed",
    ])
    .where("h.tenant_id", "=", tenantId)
    // So that it is known before which months these are, and on which shards.
    .where("h.first_at", ">=", instant(dayOf(oldest)))
    .where("h.first_at", "<", instant(dayOf(newest) + dayMicros))
    .where("h.device_id", "=", sql<string>`any(${textArray(ids)}::text[])`)
    .orderBy("h.device_id").orderBy("h.first_at")
    .execute();
}

interface WantedStretch {
  readonly device_id: string;
  readonly day: Date;
  readonly from: Date;
  readonly until: Date;
}

function recordsOf(stretches: readonly DeviceStretch[]) {
  return sql<WantedStretch>`unnest(
    ${textArray(stretches.map(({ deviceId }) => deviceId))}::text[],
    ${timestamptzArray(stretches.map(({ fromMicros }) => dayOf(fromMicros)))}::timestamptz[],
    ${timestamptzArray(stretches.map(({ fromMicros }) => fromMicros))}::timestamptz[],
    ${timestamptzArray(stretches.map(({ lastMicros }) => lastMicros))}::timestamptz[]
  )`.as<"wanted">(sql`wanted(device_id, day, "from", "until")`);
}

/** The least stretches that the instants are in, one for each device and day. */
export function stretchesOf(
  rows: Iterable<{ readonly deviceId: string; readonly micros: number }>,
): readonly DeviceStretch[] {
  const found = new Map<string, DeviceStretch>();
  for (const { deviceId, micros } of rows) {
    const key = `${dayOf(micros)} ${deviceId}`;
    const stretch = found.get(key);
    found.set(key, {
      deviceId,
      fromMicros: Math.min(micros, stretch?.fromMicros ?? micros),
      lastMicros: Math.max(micros, stretch?.lastMicros ?? micros),
    });
  }
  return [...found.values()];
}
