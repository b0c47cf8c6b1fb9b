import { numberLimit } from "../numbers/number_column.ts";
import { powersOfTen } from "./value_form.ts";

/** Values as whole numbers of 10^-decimals. */
export interface DecimalFit {
  readonly decimals: number;
  readonly single: boolean;
  /** Where the values are no such numbers, there is the number before. */
  readonly numbers: Float64Array;
  /** Where that is, in ascending order. */
  readonly exceptions: readonly number[];
}

const bitsPerDecimal = Math.log2(10);
const exceptionBits = 80;

/**
 * The decimals with which values take the fewest bits, or undefined where more than
 * one value of 16 is an exception with any.
 *
 * @param single whether values were rounded to 32 bits, after they were rounded to decimals.
 */
export function decimalFit(values: Float64Array, single: boolean): DecimalFit | undefined {
  const mostExceptions = values.length / 16;
  let best: DecimalFit | undefined;
  let fewest = Infinity;
  let numbers = new Float64Array(values.length);
  for (let decimals = 0; decimals < powersOfTen.length; decimals++) {
    const least = decimals * bitsPerDecimal * values.length;
    if (least >= fewest) break;
    const exceptions = fitInto(numbers, values, decimals, single, mostExceptions);
    const bits = least + exceptions.length * exceptionBits;
    if (exceptions.length > mostExceptions || bits >= fewest) continue;
    best = { decimals, single, numbers, exceptions };
    if (exceptions.length === 0) break;
    fewest = bits;
    numbers = new Float64Array(values.length);
  }
  return best;
}

/** Fills `numbers` until there are more than `mostExceptions`, and returns these. */
function fitInto(
  numbers: Float64Array,
  values: Float64Array,
  decimals: number,
  single: boolean,
  mostExceptions: number,
): number[] {
  const power = powersOfTen[decimals]!;
  // Larger ones lie closer than the 32-bit values do, whose bits are then shorter.
  const limit = single ? 2 ** 23 : numberLimit / 2;
  const exceptions: number[] = [];
  let last = 0;
  for (let at = 0; at < values.length; at++) {
    const value = values[at]!;
    const number = Math.round(value * power);
    const back = single ? Math.fround(number / power) : number / power;
    if (back === value && Math.abs(number) < limit && !Object.is(value, -0)) {
      last = number;
    } else {
      exceptions.push(at);
      if (exceptions.length > mostExceptions) break;
    }
    numbers[at] = last;
  }
  return exceptions;
}
