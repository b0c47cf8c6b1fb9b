import type { RowGroup } from "./row_group.ts";

/**
 * What tells one set of readings from another, to the bit and whatever their
 * order: their number, and the sum of a 64-bit hash of each. Two sets that differ
 * by nature share one with a chance of 1 in 2 ** 64; it is no proof against ill
 * will. A measure that is not set has no part in it, so that a file from before
 * there was such a measure keeps its own.
 */
export class Fingerprint {
  static readonly none: Fingerprint = new Fingerprint(0, 0, 0);
  readonly readings: number;
  readonly #low: number;
  readonly #high: number;

  private constructor(readings: number, low: number, high: number) {
    this.readings = readings;
    this.#low = low >>> 0;
    this.#high = high >>> 0;
  }

  static of({ tenantIds, deviceIds, micros, nanos, tieBreaks, values }: RowGroup): Fingerprint {
    const microsWords = wordsOf(micros);
    const tieWords = wordsOf(tieBreaks);
    const valueWords = values.map(wordsOf);
    const idHash = new WordHash();
    const hash = new WordHash();
    let [id, low, high] = ["", 0, 0];
    for (let i = 0; i < deviceIds.length; i++) {
      if (i === 0 || deviceIds[i] !== id) {
        id = deviceIds[i]!;
        idHash.restart();
        for (let at = 0; at < id.length; at++) idHash.take(id.charCodeAt(at));
      }
      hash.restart();
      hash.take(idHash.low);
      hash.take(idHash.high);
      hash.take(tenantIds[i]!);
      hash.take(microsWords[2 * i]!);
      hash.take(microsWords[2 * i + 1]!);
      hash.take(nanos[i]!);
      hash.take(tieWords[2 * i]!);
      hash.take(tieWords[2 * i + 1]!);
      for (let measure = 0; measure < values.length; measure++) {
        if (Number.isNaN(values[measure]![i]!)) continue;
        hash.take(measure);
        hash.take(valueWords[measure]![2 * i]!);
        hash.take(valueWords[measure]![2 * i + 1]!);
      }
      hash.take(hash.low);
      hash.take(hash.high);
      low = low + hash.low | 0;
      high = high + hash.high | 0;
    }
    return new Fingerprint(deviceIds.length, low, high);
  }

  /** That of both sets together. */
  plus(other: Fingerprint): Fingerprint {
    return new Fingerprint(
      this.readings + other.readings,
      this.#low + other.#low | 0,
      this.#high + other.#high | 0,
    );
  }

  /** Equal for equal ones; such as `100000-0123456789abcdef`. */
  toString(): string {
    const [high, low] = [this.#high, this.#low].map((word) => word.toString(16).padStart(8, "0"));
    return `${this.readings}-${high}${low}`;
  }
}

/** Of words of 32 bits, by multiplying and shifting, as in MurmurHash3. */
class WordHash {
  low = 0;
  high = 0;

  restart(): void {
    this.low = 0x243f6a88;
    this.high = 0x13198a2e;
  }

  take(word: number): void {
    const low = Math.imul(this.low ^ word, 0x85ebca6b);
    this.low = low ^ low >>> 15;
    const high = Math.imul(this.high ^ word, 0xc2b2ae35) + this.low | 0;
    this.high = high ^ high >>> 13;
  }
}

function wordsOf({ buffer, byteOffset, length }: Float64Array | BigInt64Array): Int32Array {
  return new Int32Array(buffer, byteOffset, 2 * length);
}
