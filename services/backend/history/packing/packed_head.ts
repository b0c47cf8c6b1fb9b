import { crc32 } from "node:zlib";
import { ByteReader } from "./bytes/byte_reader.ts";
import { PackedReadingsError } from "./bytes/packed_readings_error.ts";
import { readSparse } from "./bytes/read_sparse.ts";
import type { NumberColumn } from "./numbers/number_column.ts";
import { readNumberColumn } from "./numbers/read_numbers.ts";
import {
  checksumBytes,
  format,
  mostReadings,
  withNanos,
  withOddTieBreaks,
} from "./packed_format.ts";
import { ResidualDecoder } from "./residuals/residual_decoder.ts";
import { readValueColumn, type ValueColumn } from "./values/read_values.ts";

/** What packed readings say before the residuals, and these. */
export interface PackedHead {
  readonly count: number;
  readonly micros: NumberColumn;
  /** Undefined where all are 0. */
  readonly nanos: NumberColumn | undefined;
  /** By the number of the measure's field, in the order in which they are written. */
  readonly measured: ReadonlyMap<number, ValueColumn>;
  readonly oddTieBreaks: ReadonlyMap<number, bigint> | undefined;
  readonly residuals: ResidualDecoder;
}

/** @throws {PackedReadingsError} if they are not what `packReadings` made, or a later release did. */
export function readPackedHead(packed: Uint8Array): PackedHead {
  if (packed.length <= checksumBytes) throw new PackedReadingsError("they end too soon");
  if (packed[0] !== format) {
    throw new PackedReadingsError(`their format is ${packed[0]}, and this release knows ${format}`);
  }
  const content = packed.subarray(0, -checksumBytes);
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  if (crc32(content) !== view.getUint32(content.length, true)) {
    throw new PackedReadingsError("their checksum is not that of their content");
  }
  const head = new ByteReader(content);
  head.byte();
  const count = head.varint(mostReadings);
  if (count === 0) throw new PackedReadingsError("there are none");
  const flags = head.byte();
  const micros = readNumberColumn(head);
  const nanos = (flags & withNanos) === 0 ? undefined : readNumberColumn(head);
  const measured = new Map<number, ValueColumn>();
  for (let left = head.varint(2 ** 29); left > 0; left--) {
    measured.set(head.varint(2 ** 29), readValueColumn(head, count));
  }
  const oddTieBreaks = (flags & withOddTieBreaks) === 0
    ? undefined
    : readSparse(head, count, () => head.int64());
  const decisions = head.bytes(head.varint(content.length));
  const residuals = new ResidualDecoder(decisions, head.rest());
  return { count, micros, nanos, measured, oddTieBreaks, residuals };
}
