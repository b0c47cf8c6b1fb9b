import { type ExpressionBuilder, sql } from "kysely";
import { type MeasuredValues, measures } from "#shared/telemetry/measures.ts";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import { tieBreakAt } from "../../history/tie_break_at.ts";
import type { ReadingColumns } from "../../history/reading_columns.ts";
import { unpackReadings } from "../../history/unpack_readings.ts";
import { measuredHash } from "../../readings/tie_break.ts";
import type { Database } from "../database.ts";
import { dayOf } from "../partitions/days.ts";
import { instant } from "../rows/instant.ts";
import { eachChunk } from "./each_chunk.ts";
import {
  packedAt,
  packedMicros,
  packedRowBytes,
  type PackedRows,
  packedTieBreak,
  setPackedMicros,
} from "./packed_rows.ts";
import type { RunPage, Wanted } from "./read_run.ts";

/**
 * The chunks of the device `wanted` that readings of the page may be in, as one
 * column `chunks`: as few as have enough, each behind its length.
 */
export function historyOf(
  eb: ExpressionBuilder<Database & { wanted: Wanted }, "wanted">,
  tenantId: TenantId,
  { span: { fromMicros, untilMicros }, after, limit }: RunPage,
) {
  const from = Math.max(fromMicros, after?.micros ?? fromMicros);
  const chunks = eb.selectFrom("sensor_history")
    .select(["first_at", "packed"])
    // Of one that begins before, it is not known how many are of the page.
    .select(sql<number>`
      coalesce(
        sum(readings) filter (where first_at > ${instant(from)})
          over (order by first_at rows between unbounded preceding and 1 preceding),
        0
      )`.as("older"))
    .where("tenant_id", "=", tenantId).whereRef("device_id", "=", "wanted.device_id")
    // One that begins before may reach beyond it: no further than its day.
    .where("first_at", ">=", instant(dayOf(from))).where("first_at", "<", instant(untilMicros))
    .where("last_at", ">=", instant(from))
    .orderBy("first_at")
    .limit(limit + 1);
  return eb.selectFrom(chunks.as("chunk"))
    .select(sql<Uint8Array | null>`
      string_agg(int4send(length(packed)) || packed, ''::bytea order by first_at)`.as("chunks"))
    .where("older", "<", limit);
}

/** The page of a device: its rows and what of its history is of the page, in their order. */
export function joinHistory(
  rows: PackedRows,
  chunks: Uint8Array | null,
  page: RunPage,
): PackedRows {
  if (chunks === null) return rows;
  const history = unpackPage(chunks, page);
  if (rows.length === 0) return history;
  return merge(rows, history, page.limit);
}

/** What of the chunks is of the page, as the database packs rows. */
function unpackPage(chunks: Uint8Array, { span, after, limit }: RunPage): PackedRows {
  const from = after ?? { micros: span.fromMicros, tieBreak: -(2n ** 63n) };
  const packed = new Uint8Array(limit * packedRowBytes);
  const to = new DataView(packed.buffer);
  let end = 0;
  for (const chunk of eachChunk(chunks)) {
    if (end === packed.length) break;
    const columns = unpackReadings(chunk);
    for (let place = 0; place < columns.count && end < packed.length; place++) {
      const micros = columns.micros[place]!;
      if (micros < from.micros || micros >= span.untilMicros) continue;
      // Parked ones come after the stored one of the same key.
      if (
        after !== undefined && micros === from.micros &&
        tieBreakAt(columns, place) <= from.tieBreak
      ) continue;
      setRow(to, end, columns, place);
      end += packedRowBytes;
    }
  }
  return packed.subarray(0, end);
}

function setRow(to: DataView, row: number, columns: ReadingColumns, place: number): void {
  setPackedMicros(to, row, columns.micros[place]!);
  setTieBreak(to, row + packedAt.tieBreak, columns, place);
  for (let measure = 0; measure < columns.values.length; measure++) {
    to.setFloat64(row + packedAt.values + 8 * measure, columns.values[measure]![place]!);
  }
}

/** The bits of a tie break's high half that are of its hash; those above are nanoseconds. */
const hashBitsAbove = 21;

/** Of the reading under way: one for all, since there are many. */
const measured: MeasuredValues = measures.map(() => undefined);

function setTieBreak(to: DataView, at: number, columns: ReadingColumns, place: number): void {
  const odd = columns.oddTieBreaks?.get(place);
  if (odd !== undefined) return to.setBigInt64(at, odd);
  for (let measure = 0; measure < measured.length; measure++) {
    const value = columns.values[measure]![place]!;
    measured[measure] = Number.isNaN(value) ? undefined : value;
  }
  const hash = measuredHash(measured);
  const high = Math.floor(hash / 2 ** 32);
  to.setInt32(at, (columns.nanos?.[place] ?? 0) << hashBitsAbove | high);
  to.setUint32(at + 4, hash - high * 2 ** 32);
}

/** Both in their order, as far as the page goes; of two with one key, the stored one first. */
function merge(rows: PackedRows, history: PackedRows, limit: number): PackedRows {
  const [ofRows, ofHistory] = [sourceOf(rows), sourceOf(history)];
  const size = Math.min(limit * packedRowBytes, rows.length + history.length);
  const merged = new Uint8Array(size);
  for (let end = 0; end < size; end += packedRowBytes) {
    const source = isFirst(ofHistory, ofRows) ? ofHistory : ofRows;
    merged.set(source.bytes.subarray(source.at, source.at + packedRowBytes), end);
    source.at += packedRowBytes;
  }
  return merged;
}

interface Source {
  readonly bytes: PackedRows;
  readonly view: DataView;
  at: number;
}

function sourceOf(bytes: PackedRows): Source {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), at: 0 };
}

function isFirst(a: Source, b: Source): boolean {
  if (a.at === a.bytes.length) return false;
  if (b.at === b.bytes.length) return true;
  const apart = packedMicros(a.view, a.at) - packedMicros(b.view, b.at);
  if (apart !== 0) return apart < 0;
  return packedTieBreak(a.view, a.at) <= packedTieBreak(b.view, b.at);
}
