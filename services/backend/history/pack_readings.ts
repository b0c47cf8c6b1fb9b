import { crc32 } from "node:zlib";
import { measureNumbers } from "./measure_numbers.ts";
import { ByteWriter } from "./packing/byte_writer.ts";
import { numberLimit } from "./packing/number_column.ts";
import { format, mostReadings, withNanos, withOddTieBreaks } from "./packing/packed_format.ts";
import { ResidualEncoder } from "./packing/residual_encoder.ts";
import { writeNumbers } from "./packing/write_numbers.ts";
import { writeValues } from "./packing/write_values.ts";
import type { ReadingColumns } from "./reading_columns.ts";

/**
 * The packed form of the readings at [from, until): docs/history_format.md. It is a
 * function of the readings alone: the same ones give the same bytes.
 *
 * @param numbers the fields' numbers of the columns' values, in their order.
 * @throws {RangeError} if there are none or more than 16,777,216 of them, or they are more
 * than 35 years apart.
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
  if (micros.at(-1)! - micros[0]! >= numberLimit) {
    throw new RangeError(`Cannot pack readings ${from} to ${until}: they are too far apart`);
  }
  const nanos = columns.nanos?.subarray(from, until);
  const hasNanos = nanos?.some((past) => past !== 0) ?? false;
  const odd = [...columns.oddTieBreaks ?? []].filter(([at]) => at >= from && at < until)
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
  if (odd.length > 0) {
    head.varint(odd.length);
    let next = from;
    for (const [at, tieBreak] of odd) {
      head.varint(at - next);
      head.int64(tieBreak);
      next = at + 1;
    }
  }
  const decisions = residuals.finish();
  head.varint(decisions.length);
  head.append(decisions);
  head.append(residuals.plain.finish());
  head.uint32(crc32(head.written));
  return head.written.slice();
}
