import type { Kysely } from "kysely";
import { isMissingPartition } from "../connection/write_failure.ts";
import type { Database } from "../database.ts";
import { dayMicros } from "./days.ts";
import { makeDays } from "./make_days.ts";

/**
 * Does work that writes readings; where a partition is missing, it is made, and
 * the work is done again.
 *
 * @param newestMicros Of what is written: it may have been accepted by a clock that is ahead of this one.
 */
export async function withPartitions<Result>(
  db: Kysely<Database>,
  work: () => Promise<Result>,
  newestMicros: () => number | Promise<number>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    // What has failed in a transaction of the caller's can't go on in it.
    if (db.isTransaction || !isMissingPartition(error)) throw error;
    // Readings are accepted up to a day from now.
    const dayFromNow = Date.now() * 1_000 + dayMicros;
    await makeDays(db, Math.max(await newestMicros(), dayFromNow) + 1);
    return await work();
  }
}
