import { type Kysely, sql } from "kysely";
import type { Database } from "./database.ts";

/** Readings that are parked now. */
export async function countParked(db: Kysely<Database>): Promise<number> {
  const { rows: [row] } = await sql<{ count: number }>`
    select count(*)::int as "count" from parked_readings`.execute(db);
  return row!.count;
}
