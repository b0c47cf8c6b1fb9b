import type { ReadingRow } from "../readings/reading_row.ts";
import type { ReadingColumns } from "./reading_columns.ts";
import { tieBreakAt } from "./tie_break_at.ts";
import { valuesAt } from "./values_at.ts";

/** The reading there, of the device whose columns they are. */
export function readingRowAt(columns: ReadingColumns, deviceId: string, at: number): ReadingRow {
  return {
    deviceId,
    micros: columns.micros[at]!,
    tieBreak: tieBreakAt(columns, at),
    values: valuesAt(columns, at),
  };
}
