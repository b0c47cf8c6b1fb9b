import { type Kysely, sql } from "kysely";
import type { Database } from "./database.ts";

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
