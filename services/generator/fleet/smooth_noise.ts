import { hash } from "./integer_hash.ts";

/**
 * Smooth noise from -1 to 1 over `position`, at any position without those
 * before it: hashed values at the whole numbers, joined by cubic curves. It
 * moves by at most 3 for each 1 of `position`.
 */
export function smoothNoise(key: number, position: number): number {
  const cell = Math.floor(position);
  const offset = position - cell;
  const from = hash(key, cell) / 2_147_483_648 - 1;
  const to = hash(key, cell + 1) / 2_147_483_648 - 1;
  return from + (to - from) * offset * offset * (3 - 2 * offset);
}
