import { bitsOf } from "../residuals/bits_of.ts";
import { escapeQuotient } from "../residuals/residual_model.ts";
import { noResiduals } from "./number_column.ts";

/** What a number costs that is written as plain bits, beside them. */
const escapeBits = 21;

/** With which quotients and remainders take the fewest bits, were each quotient written in unary. */
export function bestShift(places: Float64Array): number {
  const counts = new Uint32Array(64);
  let longest = 0;
  for (let at = 0; at < places.length; at++) {
    const length = bitsOf(places[at]!);
    counts[length]!++;
    if (length > longest) longest = length;
  }
  if (longest === 0) return noResiduals;
  let best = 0;
  let fewest = Infinity;
  for (let shift = 0; shift < Math.min(longest, noResiduals); shift++) {
    let bits = 0;
    // Between its powers of two, a number of so many bits is here on the average.
    let quotient = 0.75 * 2 ** -shift;
    for (let length = 0; length <= longest; length++, quotient *= 2) {
      bits += counts[length]! *
        (quotient < escapeQuotient ? shift + quotient : escapeBits + length);
    }
    if (bits >= fewest) continue;
    fewest = bits;
    best = shift;
  }
  return best;
}
