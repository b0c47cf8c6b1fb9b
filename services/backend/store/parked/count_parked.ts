import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";
import { parkedBefore, type ParkedFilter } from "./list_parked.ts";

export interface ParkedCounts {
  readonly readings: number;
  /** Those among them that the database refuses to move to where they belong. */
  readonly refused: number;
}

/** What is parked now. */
export async function countParked(db: Kysely<Database>): Promise<ParkedCounts> {
  const { rows: [row] } = await sql<ParkedCounts>`
    select count(*)::int as readings, count(refused)::int as refused
    from parked_readings`.execute(db);
  return row!;
}

/** How many readings are parked that pass the filter. */
export async function countMatching(
  db: Kysely<Database>,
  { deviceId, olderThanMs }: ParkedFilter,
): Promise<number> {
  const only = deviceId === undefined ? sql`true` : sql`device_id = ${deviceId}`;
  const { rows: [row] } = await sql<{ readonly readings: number }>`
    select count(*)::int as readings from parked_readings
    where ${only} and ${parkedBefore(olderThanMs)}`.execute(db);
  return row!.readings;
}
