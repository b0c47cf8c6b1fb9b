import { type Kysely, sql } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import { columnsOf } from "../../history/columns_of.ts";
import { mergeColumns } from "../../history/merge_columns.ts";
import { unpackReadings } from "../../history/unpack_readings.ts";
import type { ReadingRow } from "../../readings/reading_row.ts";
import { textArray, timestamptzArray } from "../connection/binary_array.ts";
import type { Database } from "../database.ts";
import { keyRecords, type TenantKey } from "../rows/tenant_keys.ts";
import { dayMicros, dayOf, isoDay } from "../partitions/days.ts";
import { listPartitions } from "../partitions/list_partitions.ts";
import { openFrom } from "../partitions/open_from.ts";
import { outlastReaders } from "../partitions/outlast_readers.ts";
import { instant } from "../rows/instant.ts";
import { lockLimit } from "../schema/lock_briefly.ts";
import { lockLate } from "./late_lock.ts";
import { placedColumns, rowOf } from "../rows/placed_reading.ts";
import { addToDay, type CompactedDay } from "./compacted_days.ts";
import { chunksOf, type HistoryChunk } from "./history_chunk.ts";
import { insertChunks } from "./insert_chunks.ts";
import { makeMonths } from "./make_months.ts";
import { type FoundChunk, readChunks } from "./read_chunks.ts";

/** Rows that are looked at in a step. */
const pageRows = 5_000;
/** Days of devices that are packed anew in a step: those who store late readings wait meanwhile. */
const mostDays = 200;
/** Longest wait for a lock. */
const lockMs = 5_000;

/** A late reading, and whose it is. */
interface LateRow {
  readonly tenantId: TenantId;
  readonly row: ReadingRow;
  readonly bytes: number;
}

export interface MergedLate {
  /** Rows that are packed now. */
  readonly merged: number;
  /** Where to go on; undefined at the end. */
  readonly after: TenantKey | undefined;
}

/**
 * Packs some of the late readings with what history has of their days, and takes
 * them out of the rows, in one transaction. Those of days that are still to be
 * packed, or that a person wants as rows, stay.
 *
 * @param after Where the step before ended.
 */
export async function mergeLate(
  db: Kysely<Database>,
  after: TenantKey | undefined,
): Promise<MergedLate> {
  return await db.transaction().execute(async (transaction) => {
    await lockLimit(lockMs).execute(transaction);
    await lockLate(transaction, "alone");
    const page = await lateRows(transaction, after);
    const stays = await daysThatStay(transaction, page);
    const days = Map.groupBy(
      page.filter(({ row }) => !stays(row.micros)),
      ({ tenantId, row }) => `${tenantId} ${dayOf(row.micros)} ${row.deviceId}`,
    );
    const taken = [...days.values()].slice(0, mostDays);
    const rows = taken.flat();
    for (const [tenantId, ofTenant] of Map.groupBy(rows, ({ tenantId }) => tenantId)) {
      await pack(transaction, tenantId, ofTenant);
    }
    await deleteRows(transaction, rows);
    // What was left for its number is met again from the beginning.
    if (days.size > mostDays) return { merged: rows.length, after };
    const last = page.length < pageRows ? undefined : page.at(-1);
    return { merged: rows.length, after: last && keyOf(last) };
  });
}

async function lateRows(
  db: Kysely<Database>,
  after: TenantKey | undefined,
): Promise<readonly LateRow[]> {
  const found = await db.selectFrom("sensor_readings")
    .select(["tenant_id as tenantId", ...placedColumns])
    .select(sql<number>`pg_column_size(sensor_readings.*)`.as("bytes"))
    .where("timestamp", "<", openFrom)
    .$if(after !== undefined, (query) =>
      query.where((is) =>
        is(
          is.refTuple("tenant_id", "device_id", "timestamp", "tie_break"),
          ">",
          sql<[TenantId, string, Date, string]>`(
            ${after!.tenantId}::int, ${after!.deviceId}::text,
            ${instant(after!.micros)}, ${after!.tieBreak}::bigint
          )`,
        )
      ))
    .orderBy("tenant_id").orderBy("device_id").orderBy("timestamp").orderBy("tie_break")
    .limit(pageRows)
    .execute();
  return found.map(({ tenantId, bytes, ...row }) => ({ tenantId, row: rowOf(row), bytes }));
}

/** Which days are not to be packed with what is late of them. */
async function daysThatStay(
  db: Kysely<Database>,
  page: readonly LateRow[],
): Promise<(micros: number) => boolean> {
  if (page.length === 0) return () => false;
  const closed = await listPartitions(db, "closed_readings");
  const expanded = await db.selectFrom("compacted_days")
    .select(sql<string>`day::text`.as("day")).where("expanded", "=", true).execute();
  const days = new Set(expanded.map(({ day }) => day));
  return (micros) =>
    days.has(isoDay(micros)) ||
    closed.some(({ fromMicros, untilMicros }) => micros >= fromMicros && micros < untilMicros);
}

/** Has history hold the rows, too. */
async function pack(
  transaction: Kysely<Database>,
  tenantId: TenantId,
  rows: readonly LateRow[],
): Promise<void> {
  const late = Map.groupBy(rows, ({ row }) => dayKey(row.deviceId, row.micros));
  const stretches = [...late.values()].map(([first]) => {
    const { deviceId, micros } = first!.row;
    return { deviceId, fromMicros: dayOf(micros), lastMicros: dayOf(micros) + dayMicros - 1 };
  });
  const found = await readChunks(transaction, tenantId, stretches);
  const before = Map.groupBy(found, (chunk) => dayKey(chunk.deviceId, chunk.firstMicros));
  const chunks: HistoryChunk[] = [];
  const grown = new Map<string, Growth>();
  for (const [key, ofDay] of late) {
    const { deviceId, micros } = ofDay[0]!.row;
    const old = before.get(key) ?? [];
    const packed = old.map((chunk) => unpackReadings(chunk.packed));
    const merged = packed.reduce(mergeColumns, columnsOf(ofDay.map(({ row }) => row)));
    const anew = chunksOf(tenantId, deviceId, merged);
    chunks.push(...anew);
    addTo(grown, isoDay(micros), {
      readings: merged.count - sumOf(packed, ({ count }) => count),
      rowBytes: sumOf(ofDay, ({ bytes }) => bytes),
      packedBytes: sumOf(anew, lengthOf) - sumOf(old, lengthOf),
    });
  }
  const isNewMonth = await makeMonths(transaction, chunks.map(({ firstMicros }) => firstMicros));
  if (isNewMonth) await outlastReaders(transaction, "sensor_history");
  await deleteChunks(transaction, tenantId, found);
  await insertChunks(transaction, "sensor_history", chunks);
  for (const [day, growth] of grown) await addToDay(transaction, { day, ...growth });
}

function dayKey(deviceId: string, micros: number): string {
  return `${dayOf(micros)} ${deviceId}`;
}

const lengthOf = ({ packed }: { readonly packed: Uint8Array }) => packed.length;

function sumOf<Item>(items: readonly Item[], valueOf: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + valueOf(item), 0);
}

/** By how much a day has become larger. */
type Growth = Omit<CompactedDay, "day">;

function addTo(grown: Map<string, Growth>, day: string, by: Growth): void {
  const before = grown.get(day) ?? { readings: 0, rowBytes: 0, packedBytes: 0 };
  grown.set(day, {
    readings: before.readings + by.readings,
    rowBytes: before.rowBytes + by.rowBytes,
    packedBytes: before.packedBytes + by.packedBytes,
  });
}

async function deleteChunks(
  transaction: Kysely<Database>,
  tenantId: TenantId,
  chunks: readonly FoundChunk[],
): Promise<void> {
  if (chunks.length === 0) return;
  const ids = chunks.map(({ deviceId }) => deviceId);
  const wanted = sql<{ readonly device_id: string; readonly first_at: Date }>`unnest(
    ${textArray(ids)}::text[],
    ${timestamptzArray(chunks.map(({ firstMicros }) => firstMicros))}::timestamptz[]
  )`.as<"wanted">(sql`wanted(device_id, first_at)`);
  await transaction.deleteFrom("sensor_history as h").using(wanted)
    .where("h.tenant_id", "=", tenantId)
    .whereRef("h.device_id", "=", "wanted.device_id")
    .whereRef("h.first_at", "=", "wanted.first_at")
    .where("h.device_id", "=", sql<string>`any(${textArray([...new Set(ids)])}::text[])`)
    .execute();
}

async function deleteRows(
  transaction: Kysely<Database>,
  rows: readonly LateRow[],
): Promise<void> {
  if (rows.length === 0) return;
  const ids = [...new Set(rows.map(({ row }) => row.deviceId))];
  const { count } = await transaction.with(
    "gone",
    (from) =>
      from.deleteFrom("sensor_readings as r").using(keyRecords(rows.map(keyOf)))
        .whereRef("r.tenant_id", "=", "keys.tenant_id")
        .whereRef("r.device_id", "=", "keys.device_id")
        .whereRef("r.timestamp", "=", "keys.timestamp")
        .whereRef("r.tie_break", "=", "keys.tie_break")
        .where("r.timestamp", "<", openFrom)
        .where("r.device_id", "=", sql<string>`any(${textArray(ids)}::text[])`)
        .returning("r.tenant_id"),
  )
    .selectFrom("gone")
    .select(sql<number>`count(*)::int`.as("count"))
    .executeTakeFirstOrThrow();
  if (count === rows.length) return;
  throw new Error(`Cannot pack late readings: ${rows.length} were there, ${count} could be taken`);
}

function keyOf({ tenantId, row: { deviceId, micros, tieBreak } }: LateRow): TenantKey {
  return { tenantId, deviceId, micros, tieBreak: String(tieBreak) };
}
