import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";

/** What the database's clock shows, in Unix milliseconds. */
export async function databaseClock(db: Kysely<Database>): Promise<number> {
  const { rows: [row] } = await sql<{ readonly ms: number }>`
    select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms`.execute(db);
  return row!.ms;
}
