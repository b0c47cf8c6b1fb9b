import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";

/** Taken by whoever makes, closes or drops partitions, until the transaction ends. */
export async function lockPartitions(transaction: Kysely<Database>): Promise<void> {
  const lock = sql<null>`pg_advisory_xact_lock(hashtextextended('iot-backend partitions', 0))`;
  await transaction.selectNoFrom(lock.as("locked")).execute();
}
