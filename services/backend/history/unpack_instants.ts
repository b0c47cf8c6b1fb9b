import { readNumbers } from "./packing/numbers/read_numbers.ts";
import { readPackedHead } from "./packing/packed_head.ts";

/**
 * The instants alone of what `packReadings` packed, in Unix microseconds: a fraction of the
 * work of `unpackReadings`.
 *
 * @throws {PackedReadingsError} if they are damaged, or of a later release.
 */
export function unpackInstants(packed: Uint8Array): Float64Array {
  const { count, micros, residuals } = readPackedHead(packed);
  return readNumbers(count, micros, residuals);
}
