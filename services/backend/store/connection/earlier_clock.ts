import type { Kysely } from "kysely";
import type { Database } from "../database.ts";
import { databaseClock } from "./database_clock.ts";

/**
 * The earlier of the database's clock and this machine's, in Unix milliseconds:
 * what can't be undone must not be done since one of both is ahead.
 */
export async function earlierClock(
  db: Kysely<Database>,
  nowMs: () => number = Date.now,
): Promise<number> {
  return Math.min(await databaseClock(db), nowMs());
}
