/**
 * Arrays as PostgreSQL's binary format has them, to be the parameters of a
 * statement: no digits to print here and parse there. A driver takes bytes as
 * they are, whatever the parameter's type; of one dimension. Undefined is null.
 *
 * Source: PostgreSQL's array_recv, and the receive function of each type.
 */

/** Dimensions, whether there are nulls, the elements' type; then length and lower bound. */
const headerBytes = 20;
const hasNullsAt = 4;
const lengthBytes = 4;
const microsTo2000 = Date.UTC(2000, 0, 1) * 1_000;
const encoder = new TextEncoder();

export function textArray(values: readonly string[]): Uint8Array {
  // In UTF-8, a unit of UTF-16 takes three bytes at most.
  const longest = values.reduce((sum, { length }) => sum + lengthBytes + 3 * length, headerBytes);
  const { bytes, view } = arrayOf(values.length, 25, longest);
  let at = headerBytes;
  for (const value of values) {
    const { written } = encoder.encodeInto(value, bytes.subarray(at + lengthBytes));
    view.setInt32(at, written);
    at += lengthBytes + written;
  }
  return bytes.subarray(0, at);
}

export function byteaArray(values: readonly Uint8Array[]): Uint8Array {
  const size = values.reduce((sum, { length }) => sum + lengthBytes + length, headerBytes);
  const { bytes, view } = arrayOf(values.length, 17, size);
  let at = headerBytes;
  for (const value of values) {
    view.setInt32(at, value.length);
    bytes.set(value, at + lengthBytes);
    at += lengthBytes + value.length;
  }
  return bytes;
}

export function float8Array(values: readonly (number | undefined)[]): Uint8Array {
  return eightByteArray(values, 701, (view, at, value) => view.setFloat64(at, value));
}

export function int8Array(values: readonly (bigint | undefined)[]): Uint8Array {
  return eightByteArray(values, 20, (view, at, value) => view.setBigInt64(at, value));
}

/** @param micros Unix microseconds, whole */
export function timestamptzArray(micros: readonly (number | undefined)[]): Uint8Array {
  return eightByteArray(micros, 1184, (view, at, value) => {
    const since2000 = value - microsTo2000;
    const high = Math.floor(since2000 / 2 ** 32);
    view.setInt32(at, high);
    view.setUint32(at + 4, since2000 - high * 2 ** 32);
  });
}

function eightByteArray<Value>(
  values: readonly (Value | undefined)[],
  type: number,
  set: (view: DataView, at: number, value: Value) => void,
): Uint8Array {
  const { bytes, view } = arrayOf(values.length, type, headerBytes + values.length * 12);
  let at = headerBytes;
  for (const value of values) {
    if (value === undefined) {
      view.setInt32(hasNullsAt, 1);
      view.setInt32(at, -1);
      at += lengthBytes;
      continue;
    }
    view.setInt32(at, 8);
    set(view, at + lengthBytes, value);
    at += lengthBytes + 8;
  }
  return bytes.subarray(0, at);
}

function arrayOf(length: number, type: number, size: number) {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  [1, 0, type, length, 1].forEach((word, at) => view.setInt32(at * 4, word));
  return { bytes, view };
}
