import type { ReadingColumns } from "./reading_columns.ts";

/** Without those of the last instant, of which there may be more than were read: none, if all are. */
export function withoutLast(columns: ReadingColumns): ReadingColumns {
  const last = columns.micros.at(-1)!;
  const count = columns.micros.indexOf(last);
  return {
    count,
    micros: columns.micros.subarray(0, count),
    nanos: columns.nanos?.subarray(0, count),
    values: columns.values.map((column) => column.subarray(0, count)),
    oddTieBreaks: columns.oddTieBreaks,
  };
}
