import { type Kysely, sql } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import { tieBreakAt } from "../../history/tie_break_at.ts";
import { unpackReadings } from "../../history/unpack_readings.ts";
import type { ReadingRow } from "../../readings/reading_row.ts";
import { float8Array, int8Array, textArray, timestamptzArray } from "../connection/binary_array.ts";
import type { Database } from "../database.ts";
import { readChunks, stretchesOf } from "../history/read_chunks.ts";
import { instant } from "../rows/instant.ts";

/**
 * Which of the rows, by their places, closed days have, or history has. Under
 * `lockLate`. What goes from one to the other meanwhile is found in this order.
 */
export async function storedLate(
  transaction: Kysely<Database>,
  tenantId: TenantId,
  rows: readonly ReadingRow[],
): Promise<ReadonlySet<number>> {
  const closed = await closedAmong(transaction, tenantId, rows);
  const packed = await packedAmong(transaction, tenantId, rows);
  return closed.union(packed);
}

async function closedAmong(
  db: Kysely<Database>,
  tenantId: TenantId,
  rows: readonly ReadingRow[],
): Promise<ReadonlySet<number>> {
  const ids = [...new Set(rows.map(({ deviceId }) => deviceId))];
  const oldest = rows.reduce((least, { micros }) => Math.min(least, micros), Infinity);
  const newest = rows.reduce((most, { micros }) => Math.max(most, micros), -Infinity);
  const found = await db.selectFrom("closed_readings as c")
    .innerJoin(keysOf(rows), (join) =>
      join.onRef("c.device_id", "=", "wanted.device_id")
        .onRef("c.timestamp", "=", "wanted.timestamp")
        .onRef("c.tie_break", "=", "wanted.tie_break"))
    .select("wanted.place")
    .where("c.tenant_id", "=", tenantId)
    // So that it is known before which days these are, and on which shards.
    .where("c.timestamp", ">=", instant(oldest)).where("c.timestamp", "<=", instant(newest))
    .where("c.device_id", "=", sql<string>`any(${textArray(ids)}::text[])`)
    .execute();
  return new Set(found.map(({ place }) => place));
}

interface WantedKey {
  readonly device_id: string;
  readonly timestamp: Date;
  readonly tie_break: string;
  readonly place: number;
}

function keysOf(rows: readonly ReadingRow[]) {
  return sql<WantedKey>`unnest(
    ${textArray(rows.map(({ deviceId }) => deviceId))}::text[],
    ${timestamptzArray(rows.map(({ micros }) => micros))}::timestamptz[],
    ${int8Array(rows.map(({ tieBreak }) => tieBreak))}::int8[],
    ${float8Array(rows.map((_, at) => at))}::float8[]
  )`.as<"wanted">(sql`wanted(device_id, "timestamp", tie_break, place)`);
}

async function packedAmong(
  db: Kysely<Database>,
  tenantId: TenantId,
  rows: readonly ReadingRow[],
): Promise<ReadonlySet<number>> {
  const places = new Map<string, Map<number, number[]>>();
  rows.forEach(({ deviceId, micros }, at) => {
    const ofDevice = places.getOrInsertComputed(deviceId, () => new Map<number, number[]>());
    ofDevice.getOrInsertComputed(micros, () => []).push(at);
  });
  const found = new Set<number>();
  for (const { deviceId, packed } of await readChunks(db, tenantId, stretchesOf(rows))) {
    const columns = unpackReadings(packed);
    const wanted = places.get(deviceId);
    columns.micros.forEach((micros, at) => {
      for (const place of wanted?.get(micros) ?? []) {
        if (rows[place]!.tieBreak === tieBreakAt(columns, at)) found.add(place);
      }
    });
  }
  return found;
}
