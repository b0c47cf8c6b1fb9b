import { measureNumbers } from "./measure_numbers.ts";
import { PackedReadingsError } from "./packing/bytes/packed_readings_error.ts";
import { readNumbers } from "./packing/numbers/read_numbers.ts";
import { readPackedHead } from "./packing/packed_head.ts";
import { readValues } from "./packing/values/read_values.ts";
import type { ReadingColumns } from "./reading_columns.ts";

/**
 * The readings that `packReadings` packed, to the bit. A measure that they are older
 * than is not set.
 *
 * @param numbers the fields' numbers of the measures that are known, in the order of the values.
 * @throws {PackedReadingsError} if they are damaged, or hold what a later release knows.
 */
export function unpackReadings(
  packed: Uint8Array,
  numbers: readonly number[] = measureNumbers,
): ReadingColumns {
  const { count, micros, nanos, measured, oddTieBreaks, residuals } = readPackedHead(packed);
  const unpackedMicros = readNumbers(count, micros, residuals);
  const unpackedNanos = nanos && Uint16Array.from(readNumbers(count, nanos, residuals));
  const byNumber = new Map<number, Float64Array>();
  for (const [number, column] of measured) {
    // Its tie breaks could not be computed, nor would it be there if it was packed again.
    if (!numbers.includes(number)) {
      throw new PackedReadingsError(`they hold a measure that is not known, of field ${number}`);
    }
    byNumber.set(number, readValues(count, column, residuals));
  }
  residuals.finish();
  return {
    count,
    micros: unpackedMicros,
    nanos: unpackedNanos,
    values: numbers.map((number) => byNumber.get(number) ?? new Float64Array(count).fill(NaN)),
    oddTieBreaks,
  };
}
