import { crc32 } from "node:zlib";
import { type DecodedArray, type ParquetRowRange, type ParquetScan, parquetScan } from "hyparquet";
import { measures } from "#shared/telemetry/measures.ts";
import { nanosOfTieBreak } from "../readings/tie_break.ts";
import type { ArchivedMeasure } from "./archived_measure.ts";
import { DayFileBytes } from "./day_file_bytes.ts";
import { dayFileFooter, magic } from "./day_file_footer.ts";
import { hasCopiedInstants } from "./day_schema.ts";
import { type GroupSeal, sealsOf } from "./file_format.ts";
import { Fingerprint } from "./fingerprint.ts";
import { splitNanos } from "./nanoseconds.ts";
import { decompressors } from "./page_codecs.ts";
import type { RowGroup } from "./row_group.ts";
import { UnreadableFileError } from "./unreadable_file_error.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The library's own would cut an instant to milliseconds, and a leading U+FEFF off an id. */
const parsers = {
  timestampFromNanoseconds: (nanos: bigint) => nanos,
  timestampFromMicroseconds: (micros: bigint) => micros * 1_000n,
  stringFromBytes: (bytes: Uint8Array) => utf8.decode(bytes),
};

/**
 * The readings of a file that `writeDayFile` wrote, or a program that copied one:
 * a row group of the file at a time, in its order. Of the former each group is
 * checked before it is given.
 *
 * @param measured what is read of it; an optional measure that it lacks is set nowhere.
 * @throws {UnreadableFileError} if it is another kind of file, or damaged; the groups
 * before the damage are then given.
 */
export async function* readDayFile(
  path: string,
  measured: readonly ArchivedMeasure[] = measures,
): AsyncGenerator<RowGroup, void, undefined> {
  await using file = await DayFileBytes.open(path);
  const { scan, seals } = await opened(path, file, measured);
  const groups = scan.metadata.row_groups;
  let place = { start: magic.length, bytes: 0, rowStart: 0, rowEnd: 0 };
  for (const [at, { num_rows, total_compressed_size }] of groups.entries()) {
    place = {
      start: place.start + place.bytes,
      bytes: Number(total_compressed_size),
      rowStart: place.rowEnd,
      rowEnd: place.rowEnd + Number(num_rows),
    };
    const seal = seals?.[at];
    const reading = seal === undefined
      ? readGroup(scan, place, measured)
      : readSealed(file, scan, place, measured, seal);
    yield await reading.catch((cause: unknown) => {
      const why = cause instanceof Error ? cause.message : String(cause);
      const state = `row group ${at + 1} of ${groups.length} is damaged: ${why}`;
      throw new UnreadableFileError("damaged", path, state, { cause });
    });
  }
}

/** What is to be read; seals where the file has them. */
async function opened(
  path: string,
  file: DayFileBytes,
  measured: readonly ArchivedMeasure[],
): Promise<{ readonly scan: ParquetScan; readonly seals: readonly GroupSeal[] | undefined }> {
  try {
    const metadata = await dayFileFooter(path, file, measured);
    const seals = sealsOf(metadata);
    const { length } = metadata.row_groups;
    if (seals !== undefined && seals.length !== length) {
      throw new Error(`it has ${length} of ${seals.length} row groups`);
    }
    const compressors = decompressors;
    const options = { file, metadata, parsers, compressors, useOffsetIndex: false };
    return { scan: await parquetScan(options), seals };
  } catch (cause) {
    if (cause instanceof UnreadableFileError) throw cause;
    throw new UnreadableFileError("damaged", path, "its footer makes no sense", { cause });
  }
}

/** A row group's part of the file, and of its readings. */
interface GroupPlace extends ParquetRowRange {
  readonly start: number;
  readonly bytes: number;
}

async function readSealed(
  file: DayFileBytes,
  scan: ParquetScan,
  place: GroupPlace,
  measured: readonly ArchivedMeasure[],
  seal: GroupSeal,
): Promise<RowGroup> {
  // Before the library looks at them: some that are damaged it never ends to read.
  if (crc32(await file.hold(place.start, place.bytes)) !== seal.crc32) {
    throw new Error("its bytes are others than were written");
  }
  const group = await readGroup(scan, place, measured);
  if (String(Fingerprint.of(group)) === seal.fingerprint) return group;
  throw new Error("its readings are others than were written");
}

async function readGroup(
  { metadata, readColumn }: ParquetScan,
  { rowStart, rowEnd }: ParquetRowRange,
  measured: readonly ArchivedMeasure[],
): Promise<RowGroup> {
  const readings = rowEnd - rowStart;
  const read = async (column: string): Promise<DecodedArray> => {
    const data = await readColumn({ column, rowStart, rowEnd });
    if (data.length === readings) return data;
    throw new Error(`${column} has ${data.length} values for ${readings} readings`);
  };
  // The types are those of the columns, which the footer was checked for.
  const tenantIds = complete("tenant_id", await read("tenant_id")) as ArrayLike<number>;
  const deviceIds = complete("device_id", await read("device_id")) as string[];
  const instants = complete("timestamp", await read("timestamp")) as bigint[];
  const tieBreaks = complete("tie_break", await read("tie_break")) as readonly bigint[];
  const { micros, nanos } = splitNanos(new BigInt64Array(instants));
  const present = new Set(metadata.schema.map(({ name }) => name));
  const values: Float64Array[] = [];
  for (const { column, optional } of measured) {
    const data = present.has(column) ? await read(column) : Array<null>(readings).fill(null);
    values.push(optional ? orUnset(data) : required(column, data));
  }
  return {
    tenantIds: new Int32Array(tenantIds),
    deviceIds,
    micros,
    nanos: hasCopiedInstants(metadata.schema)
      ? Uint16Array.from(tieBreaks, nanosOfTieBreak)
      : nanos,
    tieBreaks: new BigInt64Array(tieBreaks),
    values,
  };
}

/** @throws {Error} if it is empty somewhere. */
function complete(column: string, data: DecodedArray): DecodedArray {
  // Typed arrays are never empty anywhere.
  if (!Array.isArray(data) || !(data.includes(null) || data.includes(undefined))) return data;
  throw new Error(`a reading has no ${column}`);
}

function required(column: string, data: DecodedArray): Float64Array {
  const values = new Float64Array(complete(column, data) as ArrayLike<number>);
  if (values.some(Number.isNaN)) throw new Error(`a reading has no ${column}`);
  return values;
}

function orUnset(data: DecodedArray): Float64Array {
  return Float64Array.from(data as ArrayLike<number | null>, (value) => value ?? NaN);
}
