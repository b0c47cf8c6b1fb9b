import type { ReadingColumns } from "./reading_columns.ts";

/**
 * What a packed form holds at most, unless readings of one microsecond make it more. A
 * row in the database costs some 130 bytes, whatever it holds: twice as many readings a
 * row save a tenth of a byte each, and take twice as long to unpack for a page of 50.
 */
const mostReadings = 1_500;

/**
 * The places [from, until) of the chunks that readings are packed in, in their order: as
 * few as possible, of about the same size. Readings of one microsecond are in one chunk.
 */
export function splitReadings(
  { count, micros }: Pick<ReadingColumns, "count" | "micros">,
): readonly (readonly [from: number, until: number])[] {
  const chunks: (readonly [number, number])[] = [];
  const parts = Math.ceil(count / mostReadings);
  let from = 0;
  for (let part = 1; part <= parts; part++) {
    let until = Math.round(count * part / parts);
    while (until < count && micros[until] === micros[until - 1]) until++;
    // Readings of one microsecond may have filled this part, too.
    if (until <= from) continue;
    chunks.push([from, until]);
    from = until;
  }
  return chunks;
}
