import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";

const key = sql<string>`hashtextextended('iot-backend devices', 0)`;

/**
 * Keeps those who write many rows of `iot_devices` from waiting for each other
 * in a circle, until the transaction ends: `together` for those who take the
 * rows in the order of their ids, `alone` for one who takes them as they come.
 */
export async function lockDevices(
  transaction: Kysely<Database>,
  how: "alone" | "together",
): Promise<void> {
  const lock = how === "alone"
    ? sql<null>`pg_advisory_xact_lock(${key})`
    : sql<null>`pg_advisory_xact_lock_shared(${key})`;
  await transaction.selectNoFrom(lock.as("locked")).execute();
}
