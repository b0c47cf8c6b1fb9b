import type { ByteWriter } from "../bytes/byte_writer.ts";
import type { ResidualEncoder } from "../residuals/residual_encoder.ts";
import { bestPrediction } from "./best_prediction.ts";
import { bestShift } from "./best_shift.ts";
import { noResiduals } from "./number_column.ts";
import { hasStep } from "./predictors.ts";
import { residualPlaces } from "./residual_places.ts";

/**
 * Writes a column of whole numbers: how, to `head`, and the rest to `residuals`.
 *
 * @param numbers at least one; all differences are below 2^50.
 */
export function writeNumbers(
  numbers: Float64Array,
  head: ByteWriter,
  residuals: ResidualEncoder,
): void {
  const first = numbers[0]!;
  const unit = commonUnit(numbers, first);
  head.signed(first);
  head.varint(unit);
  if (unit === 0) return;
  const units = new Float64Array(numbers.length);
  for (let at = 0; at < units.length; at++) units[at] = (numbers[at]! - first) / unit;
  const { predictor, step } = bestPrediction(units);
  const places = residualPlaces(units, predictor, step);
  const shift = bestShift(places);
  head.byte(predictor << 5 | shift);
  if (hasStep(predictor)) head.signed(step);
  if (shift !== noResiduals) residuals.encode(places, shift);
}

/** The greatest common divisor of the differences. */
function commonUnit(numbers: Float64Array, first: number): number {
  let unit = 0;
  for (let at = 1; at < numbers.length && unit !== 1; at++) {
    let left = Math.abs(numbers[at]! - first);
    // No division of whole numbers below 2^53 is rounded to a whole number.
    if (Number.isInteger(left / unit)) continue;
    while (left !== 0) {
      const rest = unit % left;
      unit = left;
      left = rest;
    }
  }
  return unit;
}
