import { bitsOf } from "../residuals/bits_of.ts";
import { type Predictor, predictors } from "./predictors.ts";

export interface Prediction {
  readonly predictor: Predictor;
  readonly step: number;
}

/**
 * The prediction from which the numbers are the fewest bits away, in all.
 *
 * @param numbers whole, at least two, below 2^50; the first is 0.
 */
export function bestPrediction(numbers: Float64Array): Prediction {
  const count = numbers.length;
  const usual = usualStep(numbers);
  const even = Math.round(numbers[count - 1]! / (count - 1));
  let [fromLast, fromUsual, fromLine, fromSlope, fromMean] = [0, 0, 0, 0, 0];
  let [mean, before, last] = [0, 0, 0];
  for (let at = 1; at < count; at++) {
    const number = numbers[at]!;
    const step = number - last;
    fromLast += bitsOf(Math.abs(step));
    fromUsual += bitsOf(Math.abs(step - usual));
    fromLine += bitsOf(Math.abs(number - at * even));
    fromSlope += bitsOf(Math.abs(step - (last - before)));
    fromMean += bitsOf(Math.abs(number - Math.floor(mean + 0.5)));
    mean += (number - mean) * 0.25;
    before = last;
    last = number;
  }
  const fewest = Math.min(fromLast, fromUsual, fromLine, fromSlope, fromMean);
  if (fewest === fromLast) return { predictor: predictors.step, step: 0 };
  if (fewest === fromUsual) return { predictor: predictors.step, step: usual };
  if (fewest === fromLine) return { predictor: predictors.line, step: even };
  return { predictor: fewest === fromSlope ? predictors.slope : predictors.mean, step: 0 };
}

/** That most of the steps are, if more than half of them are the same. */
function usualStep(numbers: Float64Array): number {
  let usual = 0;
  let lead = 0;
  for (let at = 1; at < numbers.length; at++) {
    const step = numbers[at]! - numbers[at - 1]!;
    if (lead === 0) usual = step;
    lead += step === usual ? 1 : -1;
  }
  return usual;
}
