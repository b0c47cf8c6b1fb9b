/**
 * How a column's next whole number is expected from those before it, x; the first
 * of them is 0. All are exact, and the same in any language, for numbers below 2^50.
 */
export type Predictor = 0 | 1 | 2 | 3;

export const predictors = {
  /** On a line from the first: at · step. */
  line: 0,
  /** So far from the last: x[at - 1] + step. */
  step: 1,
  /** As far from the last as that from the one before it: 2 x[at - 1] - x[at - 2]. */
  slope: 2,
  /** The mean m of those before, in which each new one has a quarter: floor(m + 1/2). */
  mean: 3,
} as const satisfies Readonly<Record<string, Predictor>>;

/** Whether the predictor has a step. */
export function hasStep(predictor: Predictor): boolean {
  return predictor === predictors.line || predictor === predictors.step;
}
