import { BitReader } from "../bytes/bit_reader.ts";
import { PackedReadingsError } from "../bytes/packed_readings_error.ts";
import {
  escapeLengthBits,
  escapeQuotient,
  learningRates,
  oldest,
  ResidualModel,
} from "./residual_model.ts";

/** Reads what `ResidualEncoder` wrote. Past the end there are zeros, until `finish` tells. */
export class ResidualDecoder {
  readonly plain: BitReader;
  readonly #bytes: Uint8Array;
  #at = 0;
  #low = 0;
  #high = 0xffffffff;
  #code = 0;

  /** @param decisions what the encoder's `finish` gave, and `plain` what its plain bits' did. */
  constructor(decisions: Uint8Array, plain: Uint8Array) {
    this.#bytes = decisions;
    this.plain = new BitReader(plain);
    for (; this.#at < 4; this.#at++) this.#code = (this.#code << 8 | this.#byte()) >>> 0;
  }

  /** Fills `places`; `shift` is what they were written with. */
  decode(places: Float64Array, shift: number): void {
    const model = new ResidualModel(places.length, shift);
    const { chances, ages } = model;
    const divisor = 2 ** shift;
    const plain = this.plain;
    const bytes = this.#bytes;
    let low = this.#low;
    let high = this.#high;
    let code = this.#code;
    let next = this.#at;
    for (let at = 0; at < places.length; at++) {
      const context = model.context;
      let quotient = 0;
      for (; quotient < escapeQuotient; quotient++) {
        const decision = context + quotient;
        const chance = chances[decision]!;
        const age = ages[decision]!;
        const middle = (low + Math.imul((high - low) >>> 12, chance >>> 4)) >>> 0;
        const more = code <= middle;
        if (more) {
          high = middle;
          chances[decision] = chance + ((2 ** 16 - 1 - chance) * learningRates[age]! >> 15);
        } else {
          low = middle + 1;
          chances[decision] = chance - (chance * learningRates[age]! >> 15);
        }
        if (age < oldest) ages[decision] = age + 1;
        while (((low ^ high) & 0xff000000) === 0) {
          low = (low << 8) >>> 0;
          high = (high << 8 | 0xff) >>> 0;
          code = (code << 8 | (next < bytes.length ? bytes[next]! : 0)) >>> 0;
          next++;
        }
        if (!more) break;
      }
      if (quotient === escapeQuotient) places[at] = this.#escaped();
      else if (shift === 0) places[at] = quotient;
      else places[at] = quotient * divisor + plain.readWide(shift);
      model.learn(quotient);
    }
    this.#low = low;
    this.#high = high;
    this.#code = code;
    this.#at = next;
  }

  /** @throws {PackedReadingsError} unless all bytes were read, and no more past them than there are. */
  finish(): void {
    // Four bytes are read ahead, of which the encoder wrote the first.
    if (this.#at !== this.#bytes.length + 3) {
      throw new PackedReadingsError("their decisions are not as many as they say");
    }
    this.plain.finish();
  }

  #byte(): number {
    return this.#at < this.#bytes.length ? this.#bytes[this.#at]! : 0;
  }

  #escaped(): number {
    return this.plain.readWide(Math.min(this.plain.read(escapeLengthBits), 53));
  }
}
