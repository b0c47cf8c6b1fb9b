import { measures } from "#shared/telemetry/measures.ts";
import { isNewer, type ReadingRow } from "../readings/reading_row.ts";
import { nanosOfTieBreak, tieBreak } from "../readings/tie_break.ts";
import type { ReadingColumns } from "./reading_columns.ts";

const mostNanos = 999;

/** Columns of the rows of one device, which come in any order; of rows with one key, the first. */
export function columnsOf(rows: readonly ReadingRow[]): ReadingColumns {
  const sorted = [...rows].sort((a, b) => isNewer(a, b) ? 1 : isNewer(b, a) ? -1 : 0);
  const distinct = sorted.filter((row, at) => at === 0 || isNewer(row, sorted[at - 1]!));
  const count = distinct.length;
  const nanos = new Uint16Array(count);
  const odd = new Map<number, bigint>();
  distinct.forEach((row, at) => {
    const past = nanosOfTieBreak(row.tieBreak);
    if (past >= 0 && past <= mostNanos) nanos[at] = past;
    if (tieBreak(nanos[at]!, row.values) !== row.tieBreak) odd.set(at, row.tieBreak);
  });
  return {
    count,
    micros: Float64Array.from(distinct, ({ micros }) => micros),
    nanos: nanos.some((past) => past !== 0) ? nanos : undefined,
    values: measures.map((_, measure) =>
      Float64Array.from(distinct, ({ values }) => values[measure] ?? NaN)
    ),
    oddTieBreaks: odd.size > 0 ? odd : undefined,
  };
}
