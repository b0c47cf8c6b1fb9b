import { type Predictor, predictors } from "./predictors.ts";

/**
 * How far each of the numbers but the first is from what was expected, as the place in
 * 0, -1, 1, -2, …
 *
 * @param numbers whole, below 2^50; the first is 0.
 */
export function residualPlaces(
  numbers: Float64Array,
  predictor: Predictor,
  step: number,
): Float64Array {
  const places = new Float64Array(numbers.length - 1);
  let mean = 0;
  let before = 0;
  let last = 0;
  for (let at = 1; at < numbers.length; at++) {
    const number = numbers[at]!;
    let expected: number;
    if (predictor === predictors.step) expected = last + step;
    else if (predictor === predictors.line) expected = at * step;
    else if (predictor === predictors.slope) expected = 2 * last - before;
    else expected = Math.floor(mean + 0.5);
    const residual = number - expected;
    places[at - 1] = residual < 0 ? -2 * residual - 1 : 2 * residual;
    mean += (number - mean) * 0.25;
    before = last;
    last = number;
  }
  return places;
}
