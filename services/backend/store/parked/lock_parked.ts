import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";
import { byIndex } from "./by_index.ts";

/**
 * Taken by whoever changes or deletes rows of `parked_readings`, before the
 * first of them, so that no two ever wait for each other's rows in a circle; and
 * has the rest of the transaction go by index. Those who only park don't take
 * it: they change no row.
 */
export async function lockParked(transaction: Kysely<Database>): Promise<void> {
  const lock = sql<null>`pg_advisory_xact_lock(hashtextextended('iot-backend parked', 0))`;
  await transaction.selectNoFrom([lock.as("locked"), ...byIndex]).execute();
}
