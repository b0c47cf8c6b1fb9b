import type { ColumnSource } from "hyparquet-writer";
import type { ArchivedMeasure } from "./archived_measure.ts";
import { joinNanos } from "./nanoseconds.ts";
import type { RowGroup } from "./row_group.ts";

/**
 * The columns of `daySchema` with a group's readings. Measures and tie breaks are
 * plain, which compresses as well as a dictionary here, and keeps -0: the library's
 * dictionary takes it for 0.
 *
 * @throws {Error} if a measure that every reading has is not set.
 */
export function encodeRowGroup(
  { tenantIds, deviceIds, micros, nanos, tieBreaks, values }: RowGroup,
  measured: readonly ArchivedMeasure[],
): ColumnSource[] {
  return [
    { name: "tenant_id", data: tenantIds, encoding: "RLE_DICTIONARY" },
    { name: "device_id", data: [...deviceIds], encoding: "RLE_DICTIONARY" },
    { name: "timestamp", data: joinNanos(micros, nanos), encoding: "DELTA_BINARY_PACKED" },
    { name: "tie_break", data: tieBreaks, encoding: "PLAIN" },
    ...measured.map(({ column, optional }, at): ColumnSource => ({
      name: column,
      data: optional ? nullable(values[at]!) : complete(column, values[at]!),
      encoding: "PLAIN",
    })),
  ];
}

function nullable(values: Float64Array): (number | null)[] {
  return Array.from(values, (value) => Number.isNaN(value) ? null : value);
}

function complete(column: string, values: Float64Array): Float64Array {
  if (values.some(Number.isNaN)) throw new Error(`Cannot archive a reading without ${column}`);
  return values;
}
