import type { ByteWriter } from "./byte_writer.ts";

/**
 * Writes some of a column's values: how many, then for each how many others lie
 * between it and the one before, and itself.
 *
 * @param values by place, in that order.
 * @param write writes one.
 */
export function writeSparse<Value>(
  to: ByteWriter,
  values: readonly (readonly [place: number, Value])[],
  write: (value: Value) => void,
): void {
  to.varint(values.length);
  let next = 0;
  for (const [at, value] of values) {
    to.varint(at - next);
    write(value);
    next = at + 1;
  }
}
