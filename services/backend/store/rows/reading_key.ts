import { type RawBuilder, sql } from "kysely";
import { instant } from "./instant.ts";

/** The key of a reading, stored or parked. */
export interface ReadingKey {
  readonly deviceId: string;
  readonly micros: number;
  readonly tieBreak: string;
}

/** A condition on a table of readings: those after the key, or all if there is none. */
export function afterKey(key: ReadingKey | undefined): RawBuilder<unknown> {
  return key === undefined ? sql`true` : sql`(device_id, "timestamp", tie_break) > (
      ${key.deviceId}::text, ${instant(key.micros)}, ${key.tieBreak}::bigint
    )`;
}
