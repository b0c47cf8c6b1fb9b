import type { ByteWriter } from "../bytes/byte_writer.ts";
import { writeSparse } from "../bytes/write_sparse.ts";
import { writeNumbers } from "../numbers/write_numbers.ts";
import type { ResidualEncoder } from "../residuals/residual_encoder.ts";
import { type DecimalFit, decimalFit } from "./decimal_fit.ts";
import { type Form, forms, rankOfBits, withExceptions, withUnset } from "./value_form.ts";

/**
 * Writes a measure's values: how, to `head`, and the rest to `residuals`.
 *
 * @param values with NaN where there is none; at least one is set.
 */
export function writeValues(
  values: Float64Array,
  head: ByteWriter,
  residuals: ResidualEncoder,
): void {
  const set = setOf(values);
  const fit = decimalFit(set, false) ?? decimalFit(set, true);
  const isSingle = fit === undefined && set.every((value) => Object.is(Math.fround(value), value));
  const allSet = set.length === values.length;
  head.byte(formByte(fit, isSingle) | (allSet ? 0 : withUnset));
  if (!allSet) writeNumbers(values.map((value) => Number.isNaN(value) ? 0 : 1), head, residuals);
  if (fit !== undefined) {
    writeNumbers(fit.numbers, head, residuals);
    if (fit.exceptions.length > 0) {
      const exceptions = fit.exceptions.map((at) => [at, set[at]!] as const);
      writeSparse(head, exceptions, (value) => head.float64(value));
    }
  } else if (isSingle) {
    const bits = new Int32Array(Float32Array.from(set).buffer);
    writeNumbers(Float64Array.from(bits, rankOfBits), head, residuals);
  } else {
    writeHalves(set, head, residuals);
  }
}

/** The values that are set: all of them as they are, if all are. */
function setOf(values: Float64Array): Float64Array {
  for (let at = 0; at < values.length; at++) {
    if (Number.isNaN(values[at])) return values.filter((value) => !Number.isNaN(value));
  }
  return values;
}

/** Form, decimals, whether some are not set, whether there are exceptions: 2, 4, 1 and 1 bits. */
function formByte(fit: DecimalFit | undefined, isSingle: boolean): number {
  let form: Form = isSingle ? forms.float32 : forms.float64;
  if (fit === undefined) return form;
  form = fit.single ? forms.decimal32 : forms.decimal;
  return form | fit.decimals << 2 | (fit.exceptions.length > 0 ? withExceptions : 0);
}

function writeHalves(values: Float64Array, head: ByteWriter, residuals: ResidualEncoder): void {
  const view = new DataView(new ArrayBuffer(values.length * 8));
  values.forEach((value, at) => view.setFloat64(at * 8, value));
  writeNumbers(values.map((_, at) => rankOfBits(view.getInt32(at * 8))), head, residuals);
  for (let at = 0; at < values.length; at++) {
    residuals.plain.writeWide(view.getUint32(at * 8 + 4), 32);
  }
}
