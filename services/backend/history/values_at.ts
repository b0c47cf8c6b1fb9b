import type { MeasuredValues } from "#shared/telemetry/measures.ts";
import type { ReadingColumns } from "./reading_columns.ts";

/** What the reading there measured. */
export function valuesAt({ values }: ReadingColumns, at: number): MeasuredValues {
  return values.map((column) => {
    const value = column[at]!;
    return Number.isNaN(value) ? undefined : value;
  });
}
