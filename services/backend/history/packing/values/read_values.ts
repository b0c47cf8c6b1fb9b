import type { ByteReader } from "../bytes/byte_reader.ts";
import { PackedReadingsError } from "../bytes/packed_readings_error.ts";
import { readSparse } from "../bytes/read_sparse.ts";
import type { NumberColumn } from "../numbers/number_column.ts";
import { readNumberColumn, readNumbers } from "../numbers/read_numbers.ts";
import type { ResidualDecoder } from "../residuals/residual_decoder.ts";
import {
  type Form,
  forms,
  powersOfTen,
  rankOfBits,
  withExceptions,
  withUnset,
} from "./value_form.ts";

/** How a measure's values are written. */
export interface ValueColumn {
  readonly form: Form;
  readonly decimals: number;
  /** 1 where a value is set; undefined where all are. */
  readonly presence: NumberColumn | undefined;
  /** Of the values that are set. */
  readonly numbers: NumberColumn;
  /** Values that are not what their number says, by place among those that are set. */
  readonly exceptions: ReadonlyMap<number, number>;
}

/** @param count of values, set or not. */
export function readValueColumn(head: ByteReader, count: number): ValueColumn {
  const byte = head.byte();
  const decimals = byte >> 2 & 15;
  if (decimals >= powersOfTen.length) {
    throw new PackedReadingsError(`there are ${decimals} decimals`);
  }
  const presence = (byte & withUnset) === 0 ? undefined : readNumberColumn(head);
  const numbers = readNumberColumn(head);
  const exceptions = (byte & withExceptions) === 0
    ? new Map()
    : readSparse(head, count, () => head.float64());
  // Two bits hold the four that there are.
  return { form: (byte & 3) as Form, decimals, presence, numbers, exceptions };
}

/** The next `count` values, with NaN where there is none. */
export function readValues(
  count: number,
  column: ValueColumn,
  residuals: ResidualDecoder,
): Float64Array {
  if (column.presence === undefined) return readSet(count, column, residuals);
  const presence = readNumbers(count, column.presence, residuals);
  const setCount = presence.reduce((sum, present) => present === 1 ? sum + 1 : sum, 0);
  if (setCount === 0) throw new PackedReadingsError("a measure has no value");
  const set = readSet(setCount, column, residuals);
  let next = 0;
  return presence.map((present) => present === 1 ? set[next++]! : NaN);
}

function readSet(
  count: number,
  { form, decimals, numbers, exceptions }: ValueColumn,
  residuals: ResidualDecoder,
): Float64Array {
  const values = readNumbers(count, numbers, residuals);
  if (form === forms.decimal || form === forms.decimal32) {
    const power = powersOfTen[decimals]!;
    for (let at = 0; at < count; at++) values[at] = values[at]! / power;
    if (form === forms.decimal32) values.set(Float32Array.from(values));
  } else {
    const view = new DataView(new ArrayBuffer(8));
    for (let at = 0; at < count; at++) {
      view.setInt32(0, rankOfBits(values[at]!));
      if (form === forms.float32) {
        values[at] = view.getFloat32(0);
      } else {
        view.setUint32(4, residuals.plain.readWide(32));
        values[at] = view.getFloat64(0);
      }
    }
  }
  for (const [at, value] of exceptions) values[at] = value;
  return values;
}
