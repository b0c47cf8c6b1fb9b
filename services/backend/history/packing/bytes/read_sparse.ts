import type { ByteReader } from "./byte_reader.ts";

/**
 * What `writeSparse` wrote of a column of `count` values, by place, in that order.
 *
 * @param value reads one.
 * @throws {PackedReadingsError} if there are more than that, or they lie further apart.
 */
export function readSparse<Value>(
  from: ByteReader,
  count: number,
  value: () => Value,
): ReadonlyMap<number, Value> {
  const found = new Map<number, Value>();
  let next = 0;
  for (let left = from.varint(count); left > 0; left--) {
    const at = next + from.varint(count);
    found.set(at, value());
    next = at + 1;
  }
  return found;
}
