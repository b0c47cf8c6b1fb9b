/** The low bits hold the hash, the bits above nanoseconds. */
const hashBits = 53n;

const bytes = new DataView(new ArrayBuffer(32));
const state = new Int32Array(4);

/**
 * What tells apart two readings of one device in one microsecond: nanoseconds
 * past it, 0 to 999, from bit 53 up, and a 53-bit hash of the four measured
 * values. Equal readings have equal tie breaks; two that differ by nature share
 * one with a chance of 1 in 9e15.
 *
 * The hash is made by the rounds of HalfSipHash-2-4 (Aumasson and Bernstein), under
 * a key that is no secret: every word goes through all of the 128 bits of its state.
 * It is no proof against ill will: among 1e8 readings that somebody makes up for a
 * device of theirs, of one microsecond, two are expected to share a tie break, and
 * the second of them would count as the first. Wider than 53 bits does not fit the
 * key, and a cryptographic hash takes twenty times as long.
 *
 * The migration that brought it in has a copy; a change needs a migration as well.
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
  const hash = BigInt(hashOf(bytes));
  return nanosPastMicro === 0 ? hash : (BigInt(nanosPastMicro) << hashBits) | hash;
}

/** Of 32 bytes, 53 bits. */
function hashOf(bytes: DataView): number {
  state[0] = 0x736f6d65;
  state[1] = 0x646f7261;
  state[2] = 0x6c796765;
  state[3] = 0x74656462;
  for (let at = 0; at < 32; at += 4) {
    const word = bytes.getInt32(at);
    state[3]! ^= word;
    mix(2);
    state[0]! ^= word;
  }
  state[2]! ^= 0xff;
  mix(4);
  return ((state[0]! ^ state[2]!) >>> 11) * 2 ** 32 + ((state[1]! ^ state[3]!) >>> 0);
}

function mix(rounds: number): void {
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  for (let round = 0; round < rounds; round++) {
    a = (a + b) | 0;
    b = (b << 5 | b >>> 27) ^ a;
    a = a << 16 | a >>> 16;
    c = (c + d) | 0;
    d = (d << 8 | d >>> 24) ^ c;
    a = (a + d) | 0;
    d = (d << 7 | d >>> 25) ^ a;
    c = (c + b) | 0;
    b = (b << 13 | b >>> 19) ^ c;
    c = c << 16 | c >>> 16;
  }
  state[0] = a;
  state[1] = b;
  state[2] = c;
  state[3] = d;
}

/** The nanoseconds past the microsecond that a tie break holds. */
export function nanosOfTieBreak(tieBreak: bigint): number {
  return Number(tieBreak >> hashBits);
}
