import { measures } from "#shared/telemetry/measures.ts";

/** What a bucket says of its readings, as its columns are named. */
export const rollupColumns: readonly string[] = [
  "readings",
  ...measures.flatMap(({ column, optional }) => [
    ...(optional ? [`${column}_count`] : []),
    `${column}_min`,
    `${column}_max`,
    `${column}_mean`,
    `${column}_last`,
  ]),
];
