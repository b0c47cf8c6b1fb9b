import { type Kysely, sql } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import type { ReadingRow } from "../../readings/reading_row.ts";
import { float8Array, int8Array, textArray, timestamptzArray } from "../connection/binary_array.ts";
import type { Database } from "../database.ts";
import { instant } from "./instant.ts";

/** Which of the rows, by their places, closed days have. Under `lockLate`. */
export async function storedLate(
  transaction: Kysely<Database>,
  tenantId: TenantId,
  rows: readonly ReadingRow[],
): Promise<ReadonlySet<number>> {
  const oldest = rows.reduce((least, { micros }) => Math.min(least, micros), Infinity);
  const newest = rows.reduce((most, { micros }) => Math.max(most, micros), -Infinity);
  const found = await transaction.selectFrom("closed_readings as c")
    .innerJoin(keysOf(rows), (join) =>
      join.onRef("c.device_id", "=", "wanted.device_id")
        .onRef("c.timestamp", "=", "wanted.timestamp")
        .onRef("c.tie_break", "=", "wanted.tie_break"))
    .select("wanted.place")
    .where("c.tenant_id", "=", tenantId)
    // So that it is known before which days these are, and on which shards.
    .where("c.timestamp", ">=", instant(oldest)).where("c.timestamp", "<=", instant(newest))
    .where("c.device_id", "=", sql<string>`any(${textArray(idsOf(rows))}::text[])`)
    .execute();
  return new Set(found.map(({ place }) => place));
}

function idsOf(rows: readonly ReadingRow[]): readonly string[] {
  return [...new Set(rows.map(({ deviceId }) => deviceId))];
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
