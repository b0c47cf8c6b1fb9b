import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";

const key = sql<string>`hashtextextended('iot-backend devices', 0)`;
/** Longest that one waits to be alone: all others who come wait behind it. */
const aloneMs = "5000";

/**
 * Keeps those who write many rows of `iot_devices` from waiting for each other
 * in a circle, until the transaction ends: `together` for those who take the
 * rows in the order of their ids, `alone` for one who takes them as they come.
 */
export async function lockDevices(
  transaction: Kysely<Database>,
  how: "alone" | "together",
): Promise<void> {
  if (how === "together") {
    const lock = sql<null>`pg_advisory_xact_lock_shared(${key})`;
    await transaction.selectNoFrom(lock.as("locked")).execute();
    return;
  }
  await transaction.selectNoFrom([
    sql<string>`set_config('lock_timeout', ${sql.lit(aloneMs)}, true)`.as("limited"),
    sql<null>`pg_advisory_xact_lock(${key})`.as("locked"),
  ]).execute();
}
