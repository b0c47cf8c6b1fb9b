import { readingsPerPage } from "../../../queries/query_readings.ts";
import { readingKeyLength } from "./reading_row.tsx";

/**
 * What a device's page shows of its newest readings: enough for any replica to
 * go on from, also after the stream broke off.
 */
export interface WindowCursor {
  /** Rows that were added since the table was last rendered whole. */
  readonly added: number;
  /** Keys of the newest rows, newest first. */
  readonly keys: readonly string[];
}

export function writeCursor({ added, keys }: WindowCursor): string {
  return `${added}.${keys.join("")}`;
}

const format = new RegExp(
  `^(\\d{1,4})\\.((?:[0-9a-f]{${readingKeyLength}}){0,${readingsPerPage}})$`,
);

/** Undefined for a text that `writeCursor` did not write. */
export function readCursor(text: string): WindowCursor | undefined {
  const [, added, keys] = format.exec(text) ?? [];
  if (added === undefined || keys === undefined) return undefined;
  return {
    added: Number(added),
    keys: Array.from(
      { length: keys.length / readingKeyLength },
      (_, i) => keys.slice(i * readingKeyLength, (i + 1) * readingKeyLength),
    ),
  };
}
