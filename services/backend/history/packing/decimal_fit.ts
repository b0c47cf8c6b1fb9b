import { numberLimit } from "./number_column.ts";
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
  // Of a 32-bit value, only 7 digits mean anything.
  const mostDecimals = single ? 6 : powersOfTen.length - 1;
  let best: DecimalFit | undefined;
  let fewest = Infinity;
  for (let decimals = 0; decimals <= mostDecimals; decimals++) {
    const least = decimals * bitsPerDecimal * values.length;
    if (least >= fewest) break;
    const numbers = new Float64Array(values.length);
    const exceptions = fitInto(numbers, values, decimals, single, mostExceptions);
    const bits = least + exceptions.length * exceptionBits;
    if (exceptions.length > mostExceptions || bits >= fewest) continue;
    fewest = bits;
    best = { decimals, single, numbers, exceptions };
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
  const exceptions: number[] = [];
  let last = 0;
  for (let at = 0; at < values.length; at++) {
    const value = values[at]!;
    const number = Math.round(value * power);
    const back = single ? Math.fround(number / power) : number / power;
    if (back === value && Math.abs(number) < numberLimit / 2 && !Object.is(value, -0)) {
      last = number;
    } else {
      exceptions.push(at);
      if (exceptions.length > mostExceptions) break;
    }
    numbers[at] = last;
  }
  return exceptions;
}
