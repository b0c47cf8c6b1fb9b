import { sql } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import { int8Array, textArray, timestamptzArray } from "../connection/binary_array.ts";
import { instant } from "./instant.ts";
import type { ReadingKey } from "./reading_key.ts";

/** The key of a reading, and whose it is. */
export interface TenantKey extends ReadingKey {
  readonly tenantId: TenantId;
}

/** A row of a table `keys`, which is as the tables have theirs. */
interface KeyRecord {
  readonly tenant_id: TenantId;
  readonly device_id: string;
  readonly timestamp: Date;
  readonly tie_break: string;
}

/** The keys as the table `keys` of a statement. */
export function keyRecords(keys: readonly TenantKey[]) {
  return sql<KeyRecord>`unnest(
    ${int8Array(keys.map(({ tenantId }) => BigInt(tenantId)))}::int8[],
    ${textArray(keys.map(({ deviceId }) => deviceId))}::text[],
    ${timestamptzArray(keys.map(({ micros }) => micros))}::timestamptz[],
    ${int8Array(keys.map(({ tieBreak }) => BigInt(tieBreak)))}::int8[]
  )`.as<"keys">(sql`keys(tenant_id, device_id, "timestamp", tie_break)`);
}

/** The columns that make a `ReadingKey`. */
export const keyColumns = [
  sql<string>`device_id`.as("deviceId"),
  sql<number>`(extract(epoch from "timestamp") * 1000000)::float8`.as("micros"),
  // Text, since drivers differ in how they read a bigint.
  sql<string>`tie_break::text`.as("tieBreak"),
] as const;

/** To compare with the columns `device_id`, `timestamp` and `tie_break`. */
export function keyTuple({ deviceId, micros, tieBreak }: ReadingKey) {
  return sql<
    [string, Date, string]
  >`(${deviceId}::text, ${instant(micros)}, ${tieBreak}::bigint)`;
}
