/** The low bits hold the hash, the bits above nanoseconds. */
const hashBits = 53n;

const bytes = new DataView(new ArrayBuffer(32));

/**
 * What tells apart two readings of one device in one microsecond: nanoseconds
 * past it, 0 to 999, from bit 53 up, and a 53-bit hash of the four measured
 * values. Equal readings have equal tie breaks; two that differ share one with
 * a chance of 1 in 9e15.
 */
export function tieBreak(
  nanosPastMicro: number,
  temperature: number,
  humidity: number,
  pressure: number,
  batteryLevel: number,
): bigint {
  bytes.setFloat64(0, temperature);
  bytes.setFloat64(8, humidity);
  bytes.setFloat64(16, pressure);
  bytes.setFloat64(24, batteryLevel);
  // Two 32-bit lanes, each mixing every word with a different odd constant.
  let low = 0x9e3779b9;
  let high = 0x85ebca6b;
  for (let at = 0; at < 32; at += 4) {
    const word = bytes.getUint32(at);
    low = Math.imul(low ^ word, 0x2c1b3c6d);
    low ^= low >>> 15;
    high = Math.imul(high ^ word, 0x297a2d39);
    high ^= high >>> 13;
  }
  low = Math.imul(low ^ (low >>> 12), 0x7feb352d);
  high = Math.imul(high ^ (high >>> 16), 0x846ca68b);
  const hash = ((high ^ (high >>> 15)) >>> 11) * 2 ** 32 + ((low ^ (low >>> 15)) >>> 0);
  return nanosPastMicro === 0 ? BigInt(hash) : (BigInt(nanosPastMicro) << hashBits) | BigInt(hash);
}

/** The nanoseconds past the microsecond that a tie break holds. */
export function nanosOfTieBreak(tieBreak: bigint): number {
  return Number(tieBreak >> hashBits);
}
