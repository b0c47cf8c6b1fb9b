import type { ByteReader } from "../bytes/byte_reader.ts";
import type { ResidualDecoder } from "../residuals/residual_decoder.ts";
import { noResiduals, type NumberColumn, numberLimit } from "./number_column.ts";
import { numbersFromPlaces } from "./numbers_from_places.ts";
import { hasStep, type Predictor } from "./predictors.ts";

/** How a column of whole numbers is written. */
export function readNumberColumn(head: ByteReader): NumberColumn {
  const first = head.signed();
  const unit = head.varint(numberLimit);
  if (unit === 0) return { first, unit, predictor: 0, step: 0, shift: noResiduals };
  const byte = head.byte();
  // Two bits hold the four that there are.
  const predictor = (byte >> 5 & 3) as Predictor;
  const step = hasStep(predictor) ? head.signed() : 0;
  return { first, unit, predictor, step, shift: byte & 31 };
}

/** The next `count` numbers, at least one. */
export function readNumbers(
  count: number,
  { first, unit, predictor, step, shift }: NumberColumn,
  residuals: ResidualDecoder,
): Float64Array {
  if (unit === 0) return new Float64Array(count).fill(first);
  const places = new Float64Array(count - 1);
  if (shift !== noResiduals) residuals.decode(places, shift);
  const numbers = numbersFromPlaces(places, predictor, step);
  if (first !== 0 || unit !== 1) {
    for (let at = 0; at < count; at++) numbers[at] = first + unit * numbers[at]!;
  }
  return numbers;
}
