import type { ReadingColumns } from "./reading_columns.ts";

/** What one packed form holds at most, where readings of one microsecond don't make it more. */
const mostPerChunk = 1_000;

/**
 * The places [from, until) of the chunks that readings are packed in, in their order: as
 * few as possible, of about the same size. Readings of one microsecond are in one chunk.
 */
export function splitReadings(
  { count, micros }: Pick<ReadingColumns, "count" | "micros">,
): readonly (readonly [from: number, until: number])[] {
  const chunks: (readonly [number, number])[] = [];
  const parts = Math.ceil(count / mostPerChunk);
  let from = 0;
  for (let part = 1; part <= parts; part++) {
    let until = Math.max(Math.round(count * part / parts), from);
    while (until < count && until > from && micros[until] === micros[until - 1]) until++;
    if (until > from) chunks.push([from, until]);
    from = until;
  }
  return chunks;
}
