/**
 * What is expected of a column's next residual, by those before it: writer and
 * reader learn alike, so that nothing of it is stored.
 *
 * A residual is written as the quotient by 2^shift of its place in 0, -1, 1, -2, …,
 * and as the remainder. The quotient is a row of decisions, "is it more than 0, 1, …":
 * each of them has a chance of its own in the context of the residuals before it.
 */
export class ResidualModel {
  /** That a decision is "more", of 2^16: by context, then by quotient. */
  readonly chances = new Uint16Array(contexts * escapeQuotient).fill(2 ** 15);
  /** How often it was made, up to `oldest`. */
  readonly ages = new Uint8Array(contexts * escapeQuotient);
  /** Without a remainder, a quotient tells which way its residual goes. */
  readonly #signed: boolean;
  /** The residuals before, or else their quotients; those before the first are 0. */
  readonly #past: Int8Array;
  #at = trendLength;
  #trend = 0;

  /** @param count of residuals. */
  constructor(count: number, shift: number) {
    this.#signed = shift === 0;
    this.#past = new Int8Array(trendLength + count);
  }

  /** Where the decisions about the next residual start. */
  get context(): number {
    const trend = this.#trend;
    if (!this.#signed) return Math.min(trend >> 2, steepest) * escapeQuotient;
    const leaning = trend > steepest ? steepest : trend < -steepest ? -steepest : trend;
    const last = this.#past[this.#at - 1]!;
    const sign = last > 0 ? 1 : last < 0 ? -1 : 0;
    return ((leaning + steepest) * 3 + sign + 1) * escapeQuotient;
  }

  /** Goes on to the next residual. */
  learn(quotient: number): void {
    const past = this.#past;
    const at = this.#at;
    const seen = this.#signed ? (quotient >> 1) ^ -(quotient & 1) : quotient;
    this.#trend += seen - past[at - trendLength]!;
    past[at] = seen;
    this.#at = at + 1;
  }
}

/** A quotient so high is an escape: the number of the place's bits follows, in so many, then they. */
export const escapeQuotient = 15;
export const escapeLengthBits = 6;

/** A decision learns fast at first, then as one of so many. */
export const oldest = 120;
/** By age: how far a chance goes towards what was decided, of 2^15. */
export const learningRates = Int32Array.from(
  { length: oldest + 1 },
  (_, age) => Math.round(2 ** 15 / (age + 1.6)),
);

/** So many residuals tell the trend: the sum of them, up to `steepest` either way. */
const trendLength = 8;
const steepest = 7;
const contexts = (2 * steepest + 1) * 3;
