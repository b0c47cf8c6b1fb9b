/** How many bits a whole number from 0 to 2^53 has, from its highest 1 down: of 0, none. */
export function bitsOf(number: number): number {
  // Bits that are shifted by 31 are still those of an integer below 2^31.
  return number < 2 ** 31 ? 32 - Math.clz32(number) : 63 - Math.clz32(number / 2 ** 31);
}
