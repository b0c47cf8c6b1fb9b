/**
 * Arrays as PostgreSQL's `array_send` gives them, of elements of 8 bytes: no
 * digits to print there and parse here.
 *
 * Source: PostgreSQL's array_send, and the send function of each type.
 */

/** Dimensions, whether there are nulls, the elements' type; then, of each dimension, length and lower bound. */
const dimensionsAt = 12;
const dimensionBytes = 8;
const lengthBytes = 4;
const microsTo2000 = Date.UTC(2000, 0, 1) * 1_000;

/** @returns NaN for null; of several dimensions, all elements in their order */
export function readFloat8Array(bytes: Uint8Array): Float64Array {
  const values = new Float64Array(elementsOf(bytes));
  eachElement(bytes, (view, at, place) => {
    values[place] = at < 0 ? NaN : view.getFloat64(at);
  });
  return values;
}

/** @returns Unix microseconds */
export function readTimestamptzArray(bytes: Uint8Array): Float64Array {
  const micros = new Float64Array(elementsOf(bytes));
  eachElement(bytes, (view, at, place) => {
    micros[place] = view.getInt32(at) * 2 ** 32 + view.getUint32(at + 4) + microsTo2000;
  });
  return micros;
}

/** Elements of 8 bytes as two halves, since numbers don't hold them: the high one has the sign. */
export interface Halves {
  readonly high: Int32Array;
  readonly low: Uint32Array;
}

export function readInt8Array(bytes: Uint8Array): Halves {
  const count = elementsOf(bytes);
  const high = new Int32Array(count);
  const low = new Uint32Array(count);
  eachElement(bytes, (view, at, place) => {
    high[place] = view.getInt32(at);
    low[place] = view.getUint32(at + 4);
  });
  return { high, low };
}

/** How many there are, which the header tells: none at all where it has no dimension. */
function elementsOf(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = endOfHeader(view);
  let elements = end > dimensionsAt ? 1 : 0;
  for (let at = dimensionsAt; at < end; at += dimensionBytes) elements *= view.getInt32(at);
  return elements;
}

function endOfHeader(view: DataView): number {
  return dimensionsAt + view.getInt32(0) * dimensionBytes;
}

/** @param read gets the place in the bytes, -1 for null. */
function eachElement(
  { buffer, byteOffset, length }: Uint8Array,
  read: (view: DataView, at: number, place: number) => void,
): void {
  const view = new DataView(buffer, byteOffset, length);
  let place = 0;
  for (let at = endOfHeader(view); at < length; place++) {
    const size = view.getInt32(at);
    at += lengthBytes;
    read(view, size < 0 ? -1 : at, place);
    if (size > 0) at += size;
  }
}
