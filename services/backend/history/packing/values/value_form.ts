/** What the whole numbers are that a measure's values are written as. */
export const forms = {
  /** The value times 10^decimals. */
  decimal: 0,
  /** The same, of a value that was rounded to 32 bits after. */
  decimal32: 1,
  /** The bits of a 32-bit value, so that larger values are larger numbers. */
  float32: 2,
  /** The upper half of the bits of a 64-bit value in this way; the lower half as plain bits. */
  float64: 3,
} as const;

export type Form = (typeof forms)[keyof typeof forms];

/** In the byte with form and decimals. */
export const withUnset = 64;
export const withExceptions = 128;

export const powersOfTen = Float64Array.from({ length: 10 }, (_, at) => 10 ** at);

/** As its own inverse, it turns the bits of a float, or its upper half, into its rank. */
export function rankOfBits(bits: number): number {
  return bits < 0 ? bits ^ 0x7fffffff : bits;
}
