import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";

const key = sql<string>`hashtextextended('iot-backend late', 0)`;

/**
 * Keeps those who store readings of closed days, and look first whether these
 * are there, apart from one who moves such readings elsewhere: `together` with
 * others, or `alone`. Until the transaction ends.
 */
export async function lockLate(
  transaction: Kysely<Database>,
  how: "alone" | "together",
): Promise<void> {
  const lock = how === "alone"
    ? sql<null>`pg_advisory_xact_lock(${key})`
    : sql<null>`pg_advisory_xact_lock_shared(${key})`;
  await transaction.selectNoFrom(lock.as("locked")).execute();
}
