import { type RawBuilder, sql } from "kysely";
import { readFloat8Array } from "../connection/read_binary_array.ts";
import type { PartRow } from "./bucket_point.ts";
import { newestColumns, newestGroups, newestKeyLength } from "./bucket_summary.ts";
import { rollupColumns } from "./rollup_columns.ts";

/** What `BucketSummary.aggregates` names: the last values are among the newest. */
const columns = rollupColumns.filter((column) => !column.endsWith("_last"));
const newest = newestGroups.map((group, at) => ({
  column: newestColumns[at]!,
  length: newestKeyLength + group.length,
}));
const width = 1 + columns.length + newest.reduce((sum, { length }) => sum + length, 0);

/**
 * All parts that a query groups, and their `start`, as one array of numbers: a
 * chart has hundreds, and each as a row of texts takes several times as long.
 */
export const partNumbers: RawBuilder<Uint8Array | null> = sql`array_send(array_agg(array[${
  sql.join([
    sql.ref("start"),
    ...columns.map((column) => sql`${sql.ref(column)}::float8`),
    ...newest.flatMap(({ column, length }) =>
      Array.from({ length }, (_, at) => sql`${sql.ref(column)}[${sql.lit(at + 1)}]`)
    ),
  ])
}]))`;

/** The parts by the beginnings of their buckets, in the order in which they were sent. */
export function readPartNumbers(
  bytes: Uint8Array,
): readonly (readonly [startMicros: number, PartRow])[] {
  const numbers = readFloat8Array(bytes);
  return Array.from({ length: numbers.length / width }, (_, part) => {
    let at = part * width;
    const start = numbers[at++]!;
    const row: Record<string, number | readonly number[] | null> = {};
    for (const column of columns) row[column] = numbers[at++]!;
    for (const { column, length } of newest) {
      const values = numbers.subarray(at, at += length);
      row[column] = Number.isNaN(values[0]) ? null : [...values];
    }
    return [start, row as PartRow];
  });
}
