import { BitWriter } from "../bytes/bit_writer.ts";
import { bitsOf } from "./bits_of.ts";
import {
  escapeLengthBits,
  escapeQuotient,
  learningRates,
  oldest,
  ResidualModel,
} from "./residual_model.ts";

/**
 * Writes residuals by a binary arithmetic coder: of an interval of 32-bit numbers,
 * each decision leaves the part that its chance gave it; the leading bytes that all
 * numbers left have in common are written (after Mahoney's lpaq).
 */
export class ResidualEncoder {
  /** The bits that nothing is known about. */
  readonly plain = new BitWriter();
  #bytes = new Uint8Array(1_024);
  #length = 0;
  #low = 0;
  #high = 0xffffffff;

  /**
   * @param places of the residuals in 0, -1, 1, -2, …: from 0 up to 2^53.
   * @param shift from 0 to 30.
   */
  encode(places: Float64Array, shift: number): void {
    const model = new ResidualModel(places.length, shift);
    const { chances, ages } = model;
    const remainderMask = 2 ** shift - 1;
    let low = this.#low;
    let high = this.#high;
    let length = this.#length;
    let bytes = this.#bytes;
    for (let at = 0; at < places.length; at++) {
      const place = places[at]!;
      const whole = place < 2 ** 31 ? place | 0 : -1;
      const quotient = whole < 0 ? escapeQuotient : Math.min(whole >>> shift, escapeQuotient);
      const context = model.context;
      // A decision leaves at least one number, and writes its 4 bytes at most.
      if (length + 4 * (escapeQuotient + 1) > bytes.length) bytes = grown(bytes);
      for (let decided = 0; decided < escapeQuotient; decided++) {
        const decision = context + decided;
        const chance = chances[decision]!;
        const age = ages[decision]!;
        const middle = (low + Math.imul((high - low) >>> 12, chance >>> 4)) >>> 0;
        const more = decided < quotient;
        if (more) {
          high = middle;
          chances[decision] = chance + ((2 ** 16 - 1 - chance) * learningRates[age]! >> 15);
        } else {
          low = middle + 1;
          chances[decision] = chance - (chance * learningRates[age]! >> 15);
        }
        if (age < oldest) ages[decision] = age + 1;
        while (((low ^ high) & 0xff000000) === 0) {
          bytes[length++] = high >>> 24;
          low = (low << 8) >>> 0;
          high = (high << 8 | 0xff) >>> 0;
        }
        if (!more) break;
      }
      if (quotient === escapeQuotient) this.#escape(place);
      else if (shift > 0) this.plain.writeWide(whole & remainderMask, shift);
      model.learn(quotient);
    }
    this.#low = low;
    this.#high = high;
    this.#length = length;
    this.#bytes = bytes;
  }

  /** The decisions that were written; nothing may be written after it. */
  finish(): Uint8Array {
    // With the zeros that are read past the end, it is above the low end and not above the high one.
    this.#bytes[this.#length++] = (this.#low >>> 24) + 1;
    return this.#bytes.subarray(0, this.#length);
  }

  #escape(place: number): void {
    const width = bitsOf(place);
    this.plain.write(width, escapeLengthBits);
    this.plain.writeWide(place, width);
  }
}

function grown(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(2 * bytes.length);
  larger.set(bytes);
  return larger;
}
