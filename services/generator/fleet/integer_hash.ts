/**
 * Integer hashes from which everything random in the fleet is drawn. They are
 * exact on every engine and need no state, so that anything can be computed
 * from its index alone.
 */

/** Spreads a 32-bit integer over all 32 bits; no two inputs give the same output. */
export function scramble32(value: number): number {
  let bits = value >>> 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x45d9f3b5);
  bits = Math.imul(bits ^ (bits >>> 15), 0x2c1b3c6d);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** As `scramble32`, for 16 bits. */
export function scramble16(value: number): number {
  let bits = value & 0xffff;
  bits = Math.imul(bits ^ (bits >>> 8), 0x88b5) & 0xffff;
  bits = Math.imul(bits ^ (bits >>> 7), 0xdb2d) & 0xffff;
  return bits ^ (bits >>> 9);
}

/** A 32-bit hash of two 32-bit integers, where order counts. */
export function hash(first: number, second: number): number {
  return scramble32(scramble32(first + 0x9e3779b9) ^ Math.imul(second, 0x85ebca6b));
}

/** As `hash`, as a fraction from 0 up to 1. */
export function fraction(first: number, second: number): number {
  return hash(first, second) / 4_294_967_296;
}
