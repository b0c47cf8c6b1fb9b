import { type Kysely, sql } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import {
  byteaArray,
  float8Array,
  textArray,
  timestamptzArray,
} from "../connection/binary_array.ts";
import type { Database } from "../database.ts";
import type { HistoryChunk } from "./history_chunk.ts";

/** Rows a statement: of some kilobytes each. */
const pageRows = 5_000;

/** Writes chunks that are not there. */
export async function insertChunks(
  transaction: Kysely<Database>,
  table: "sensor_history" | "staged_history",
  chunks: readonly HistoryChunk[],
): Promise<void> {
  for (let at = 0; at < chunks.length; at += pageRows) {
    await transaction.insertInto(table)
      .columns(chunkColumns)
      .expression((from) =>
        from.selectFrom(recordsOf(chunks.slice(at, at + pageRows))).select([
          sql<TenantId>`tenant_id::int`.as("tenant_id"),
          "device_id",
          "first_at",
          "last_at",
          sql<number>`readings::int`.as("readings"),
          "packed",
        ])
      )
      .execute();
  }
}

export const chunkColumns = [
  "tenant_id",
  "device_id",
  "first_at",
  "last_at",
  "readings",
  "packed",
] as const;

interface ChunkRecord {
  readonly tenant_id: TenantId;
  readonly device_id: string;
  readonly first_at: Date;
  readonly last_at: Date;
  readonly readings: number;
  readonly packed: Uint8Array;
}

function recordsOf(chunks: readonly HistoryChunk[]) {
  return sql<ChunkRecord>`unnest(
    ${float8Array(chunks.map(({ tenantId }) => tenantId))}::float8[],
    ${textArray(chunks.map(({ deviceId }) => deviceId))}::text[],
    ${timestamptzArray(chunks.map(({ firstMicros }) => firstMicros))}::timestamptz[],
    ${timestamptzArray(chunks.map(({ lastMicros }) => lastMicros))}::timestamptz[],
    ${float8Array(chunks.map(({ readings }) => readings))}::float8[],
    ${byteaArray(chunks.map(({ packed }) => packed))}::bytea[]
  )`.as<"chunk">(sql`chunk(tenant_id, device_id, first_at, last_at, readings, packed)`);
}
