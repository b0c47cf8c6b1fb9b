import { crc32 } from "node:zlib";
import { measureNumbers } from "./measure_numbers.ts";
import { ByteWriter } from "./packing/bytes/byte_writer.ts";
import { writeSparse } from "./packing/bytes/write_sparse.ts";
import { numberLimit } from "./packing/numbers/number_column.ts";
import { writeNumbers } from "./packing/numbers/write_numbers.ts";
import { format, mostReadings, withNanos, withOddTieBreaks } from "./packing/packed_format.ts";
import { ResidualEncoder } from "./packing/residuals/residual_encoder.ts";
import { writeValues } from "./packing/values/write_values.ts";
import type { ReadingColumns } from "./reading_columns.ts";

/** Microseconds: in the year 2112. */
const furthest = 2 ** 52;

/**
 * The packed form of the readings at [from, until): docs/history_format.md. It is a
 * function of the readings alone: the same ones give the same bytes.
 *
 * @param numbers the fields' numbers of the columns' values, in their order.
 * @throws {RangeError} if there are none or more than 16,777,216 of them, if they are more
 * than 35 years apart, or if their microseconds are not whole or not in order.
 */
export function packReadings(
  columns: ReadingColumns,
  from: number,
  until: number,
  numbers: readonly number[] = measureNumbers,
): Uint8Array {
  const count = until - from;
  const micros = columns.micros.subarray(from, until);
  if (from < 0 || until > columns.count || count < 1 || count > mostReadings) {
    throw new RangeError(`Cannot pack readings ${from} to ${until} of ${columns.count}`);
  }
  checkInstants(micros);
  const nanos = columns.nanos?.subarray(from, until);
  const hasNanos = nanos?.some((past) => past !== 0) ?? false;
  const odd = [...columns.oddTieBreaks ?? []].filter(([at]) => at >= from && at < until)
    .map(([at, tieBreak]) => [at - from, tieBreak] as const)
    .sort(([a], [b]) => a - b);
  const values = columns.values.map((column) => column.subarray(from, until));
  const measured = values.flatMap((column, at) =>
    column.every((value) => Number.isNaN(value)) ? [] : [{ column, number: numbers[at]! }]
  );

  const head = new ByteWriter(256);
  const residuals = new ResidualEncoder();
  head.byte(format);
  head.varint(count);
  head.byte((hasNanos ? withNanos : 0) | (odd.length > 0 ? withOddTieBreaks : 0));
  writeNumbers(micros, head, residuals);
  if (hasNanos) writeNumbers(Float64Array.from(nanos!), head, residuals);
  head.varint(measured.length);
  for (const { column, number } of measured) {
    head.varint(number);
    writeValues(column, head, residuals);
  }
  if (odd.length > 0) writeSparse(head, odd, (tieBreak) => head.int64(tieBreak));
  const decisions = residuals.finish();
  head.varint(decisions.length);
  head.append(decisions);
  head.append(residuals.plain.finish());
  head.uint32(crc32(head.written));
  return head.written.slice();
}

function checkInstants(micros: Float64Array): void {
  const first = micros[0]!;
  let last = first;
  for (let at = 0; at < micros.length; at++) {
    const instant = micros[at]!;
    const inOrder = instant >= last && instant - first < numberLimit;
    if (!Number.isInteger(instant) || Math.abs(instant) > furthest || !inOrder) {
      throw new RangeError(`Cannot pack readings: at ${instant} µs, after ${first} and ${last}`);
    }
    last = instant;
  }
}
