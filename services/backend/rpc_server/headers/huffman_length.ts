/**
 * How many symbols of each length in bits HPACK's Huffman code has (RFC 7541,
 * appendix B). The code is canonical, so no more is needed to tell where one
 * symbol ends and the next one starts.
 */
const symbolsOfLength: Readonly<Record<number, number>> = {
  5: 10,
  6: 26,
  7: 32,
  8: 6,
  10: 5,
  11: 3,
  12: 2,
  13: 6,
  14: 2,
  15: 3,
  19: 3,
  20: 8,
  21: 13,
  22: 26,
  23: 29,
  24: 12,
  25: 4,
  26: 15,
  27: 19,
  28: 29,
  30: 4,
};
const longestCode = 30;
const counts = Array.from({ length: longestCode + 1 }, (_, bits) => symbolsOfLength[bits] ?? 0);

/** The first code of each length. */
const firsts: readonly number[] = counts.reduce<number[]>(
  (found, _, bits) => bits === 0 ? [0] : [...found, (found[bits - 1]! + counts[bits - 1]!) * 2],
  [],
);

/** Octets that a string packed with HPACK's Huffman code unpacks to. */
export function huffmanLength(packed: Uint8Array): number {
  let symbols = 0;
  let code = 0;
  let bits = 0;
  for (const octet of packed) {
    for (let at = 7; at >= 0; at--) {
      code = code << 1 | octet >> at & 1;
      bits++;
      if (bits > longestCode) return symbols; // padding that is none: nghttp2 refuses it
      if (code - firsts[bits]! >= counts[bits]!) continue;
      symbols++;
      code = bits = 0;
    }
  }
  return symbols;
}
