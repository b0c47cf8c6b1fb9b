import { type Predictor, predictors } from "./predictors.ts";

/** The inverse of `residualPlaces`. */
export function numbersFromPlaces(
  places: Float64Array,
  predictor: Predictor,
  step: number,
): Float64Array {
  const numbers = new Float64Array(places.length + 1);
  let mean = 0;
  let before = 0;
  let last = 0;
  for (let at = 1; at < numbers.length; at++) {
    let expected: number;
    if (predictor === predictors.step) expected = last + step;
    else if (predictor === predictors.line) expected = at * step;
    else if (predictor === predictors.slope) expected = 2 * last - before;
    else expected = Math.floor(mean + 0.5);
    const number = expected + residualOf(places[at - 1]!);
    numbers[at] = number;
    mean += (number - mean) * 0.25;
    before = last;
    last = number;
  }
  return numbers;
}

function residualOf(place: number): number {
  if (place < 2 ** 31) return (place >>> 1) ^ -(place & 1);
  return place % 2 === 0 ? place / 2 : -(place + 1) / 2;
}
