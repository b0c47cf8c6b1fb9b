/**
 * Of a day, as `2026-11-18`. The first file has the day's plain name; the others
 * are numbered from 2.
 */
export function dayFileName(day: string, number: number): string {
  return number === 1 ? `readings-${day}.parquet` : `readings-${day}.${number}.parquet`;
}

/** What the day is written to until it is whole: nothing that looks for `*.parquet` finds it. */
export function draftName(day: string): string {
  return `readings-${day}.parquet.tmp`;
}
