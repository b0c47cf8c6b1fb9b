import { type Predictor, predictors } from "./predictors.ts";

/** The inverse of `residualPlaces`. */
export function numbersFromPlaces(
  places: Float64Array,
  predictor: Predictor,
  step: number,
): Float64Array {
  const numbers = new Float64Array(places.length + 1);
  // A loop each: half of the time that a shared one takes.
  if (predictor === predictors.step) {
    let last = 0;
    for (let at = 1; at < numbers.length; at++) {
      numbers[at] = last = last + step + residualOf(places[at - 1]!);
    }
  } else if (predictor === predictors.line) {
    for (let at = 1; at < numbers.length; at++) {
      numbers[at] = at * step + residualOf(places[at - 1]!);
    }
  } else if (predictor === predictors.slope) {
    let [before, last] = [0, 0];
    for (let at = 1; at < numbers.length; at++) {
      const number = 2 * last - before + residualOf(places[at - 1]!);
      before = last;
      numbers[at] = last = number;
    }
  } else {
    let mean = 0;
    for (let at = 1; at < numbers.length; at++) {
      const number = Math.floor(mean + 0.5) + residualOf(places[at - 1]!);
      mean += (number - mean) * 0.25;
      numbers[at] = number;
    }
  }
  return numbers;
}

function residualOf(place: number): number {
  if (place < 2 ** 31) return (place >>> 1) ^ -(place & 1);
  return place % 2 === 0 ? place / 2 : -(place + 1) / 2;
}
