const perWord = 2 ** 32;

/**
 * Unix nanoseconds of microseconds and the nanoseconds past them. By halves of
 * 32 bits: arithmetic with bigints would take several times as long.
 */
export function joinNanos(micros: Float64Array, nanos: Uint16Array): BigInt64Array {
  const joined = new BigInt64Array(micros.length);
  const words = new DataView(joined.buffer);
  for (let i = 0; i < micros.length; i++) {
    const high = Math.floor(micros[i]! / perWord);
    const low = (micros[i]! - high * perWord) * 1_000 + nanos[i]!;
    const carry = Math.floor(low / perWord);
    words.setUint32(8 * i, low - carry * perWord, true);
    words.setInt32(8 * i + 4, high * 1_000 + carry, true);
  }
  return joined;
}

/** The inverse, exact for all that microseconds in a double can be. */
export function splitNanos(
  joined: BigInt64Array,
): { readonly micros: Float64Array; readonly nanos: Uint16Array } {
  const micros = new Float64Array(joined.length);
  const nanos = new Uint16Array(joined.length);
  const words = new DataView(joined.buffer, joined.byteOffset, joined.byteLength);
  for (let i = 0; i < joined.length; i++) {
    const high = words.getInt32(8 * i + 4, true);
    const thousands = Math.floor(high / 1_000);
    const rest = (high - thousands * 1_000) * perWord + words.getUint32(8 * i, true);
    const restMicros = Math.floor(rest / 1_000);
    micros[i] = thousands * perWord + restMicros;
    nanos[i] = rest - restMicros * 1_000;
  }
  return { micros, nanos };
}
