import { SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import { type MeasuredValues, measures } from "#shared/telemetry/measures.ts";

/** The low bits hold the hash, the bits above nanoseconds. */
const hashBits = 53n;

/** The number of an optional field, before its value. */
const numberBytes = 4;
const valueBytes = 8;
const bytes = new DataView(new ArrayBuffer(measures.length * (numberBytes + valueBytes)));
const state = new Int32Array(4);

/** Of the optional ones, those of their fields. */
const numbers = measures.map(({ field, optional }) =>
  optional ? SensorReadingSchema.field[field].number : undefined
);

/**
 * What tells apart two readings of one device in one microsecond: nanoseconds
 * past it, 0 to 999, from bit 53 up, and a 53-bit hash of the measured values.
 * Equal readings have equal tie breaks; two that differ by nature share one with
 * a chance of 1 in 9e15. Of optional measures only those that are set take part,
 * each behind its field's number, so that a reading from before there was such a
 * measure stays the same one.
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
export function tieBreak(nanosPastMicro: number, values: Readonly<MeasuredValues>): bigint {
  const hash = BigInt(measuredHash(values));
  return nanosPastMicro === 0 ? hash : (BigInt(nanosPastMicro) << hashBits) | hash;
}

/** The low 53 bits of the tie break of readings that measured these values. */
export function measuredHash(values: Readonly<MeasuredValues>): number {
  let length = 0;
  for (let at = 0; at < values.length; at++) {
    const value = values[at];
    if (value === undefined) continue;
    const number = numbers[at];
    if (number !== undefined) {
      bytes.setInt32(length, number);
      length += numberBytes;
    }
    bytes.setFloat64(length, value);
    length += valueBytes;
  }
  return hashOf(length);
}

/** Of so many bytes, 53 bits. */
function hashOf(length: number): number {
  state[0] = 0x736f6d65;
  state[1] = 0x646f7261;
  state[2] = 0x6c796765;
  state[3] = 0x74656462;
  for (let at = 0; at < length; at += 4) {
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
