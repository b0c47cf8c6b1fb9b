import { tieBreak } from "../readings/tie_break.ts";
import type { ReadingColumns } from "./reading_columns.ts";
import { valuesAt } from "./values_at.ts";

/** The tie break of the reading there. */
export function tieBreakAt(columns: ReadingColumns, at: number): bigint {
  return columns.oddTieBreaks?.get(at) ?? tieBreak(columns.nanos?.[at] ?? 0, valuesAt(columns, at));
}
