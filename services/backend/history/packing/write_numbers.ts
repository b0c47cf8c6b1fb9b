import type { ByteWriter } from "./byte_writer.ts";
import { noResiduals } from "./number_column.ts";
import { hasStep, type Predictor, predictors } from "./predictors.ts";
import type { ResidualEncoder } from "./residual_encoder.ts";
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
  const units = numbers.map((number) => (number - first) / unit);
  const { predictor, step, places } = bestPrediction(units);
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
    while (left !== 0) [unit, left] = [left, unit % left];
  }
  return unit;
}

interface Prediction {
  readonly predictor: Predictor;
  readonly step: number;
  readonly places: Float64Array;
}

/** The one whose residuals have the fewest bits in all. */
function bestPrediction(units: Float64Array): Prediction {
  let best: Prediction | undefined;
  let fewest = Infinity;
  for (const [predictor, step] of candidates(units)) {
    const places = residualPlaces(units, predictor, step);
    const bits = places.reduce((sum, place) => sum + bitsOf(place), 0);
    if (bits >= fewest) continue;
    fewest = bits;
    best = { predictor, step, places };
  }
  return best!;
}

function candidates(units: Float64Array): readonly (readonly [Predictor, number])[] {
  const usual = usualStep(units);
  return [
    [predictors.step, usual],
    ...(usual === 0 ? [] : [[predictors.step, 0]] as const),
    [predictors.line, Math.round(units.at(-1)! / (units.length - 1))],
    [predictors.slope, 0],
    [predictors.mean, 0],
  ];
}

/** That most of the steps are, if more than half of them are the same. */
function usualStep(units: Float64Array): number {
  let usual = 0;
  let lead = 0;
  for (let at = 1; at < units.length; at++) {
    const step = units[at]! - units[at - 1]!;
    if (lead === 0) usual = step;
    lead += step === usual ? 1 : -1;
  }
  return usual;
}

function bitsOf(place: number): number {
  return place < 2 ** 31 ? 32 - Math.clz32(place) : 1 + Math.floor(Math.log2(place));
}

/** With which quotients and remainders take the fewest bits, were each quotient written in unary. */
function bestShift(places: Float64Array): number {
  const lengths = new Uint32Array(64);
  for (const place of places) lengths[bitsOf(place)]!++;
  if (lengths[0] === places.length) return noResiduals;
  let best = 0;
  let fewest = Infinity;
  for (let shift = 0; shift < noResiduals; shift++) {
    let bits = 0;
    for (let length = 0; length < lengths.length; length++) {
      const quotient = 0.75 * 2 ** (length - shift);
      bits += lengths[length]! * (quotient < 15 ? shift + quotient : 21 + length);
    }
    if (bits >= fewest) continue;
    fewest = bits;
    best = shift;
  }
  return best;
}
