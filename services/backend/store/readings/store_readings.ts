import type { Kysely } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import type { ReadingRow } from "../../readings/reading_row.ts";
import { inTransaction } from "../connection/in_transaction.ts";
import type { Database } from "../database.ts";
import { insertReadings } from "./insert_readings.ts";
import { lockLate } from "../history/late_lock.ts";
import { storedLate } from "./stored_late.ts";

/**
 * Stores readings of registered devices, of whichever day, and returns how many
 * were not there. Those of days that are open go by one statement.
 */
export async function storeReadings(
  db: Kysely<Database>,
  tenantId: TenantId,
  rows: readonly ReadingRow[],
): Promise<number> {
  if (rows.length === 0) return 0;
  const { count, openFromMicros } = await insertReadings(db, "open days", tenantId, rows);
  if (openFromMicros === null) {
    throw new Error("Cannot store readings: reading_progress has lost its row");
  }
  const late = rows.filter(({ micros }) => micros < openFromMicros);
  return count + await storeLate(db, tenantId, late);
}

/** Stores readings of closed days, unless they are there in whatever form. */
export async function storeLate(
  db: Kysely<Database>,
  tenantId: TenantId,
  rows: readonly ReadingRow[],
): Promise<number> {
  if (rows.length === 0) return 0;
  return await inTransaction(db, async (transaction) => {
    await lockLate(transaction, "together");
    const stored = await storedLate(transaction, tenantId, rows);
    const unknown = rows.filter((_, at) => !stored.has(at));
    if (unknown.length === 0) return 0;
    return (await insertReadings(transaction, "sensor_readings", tenantId, unknown)).count;
  });
}
