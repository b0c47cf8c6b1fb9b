import type { Kysely } from "kysely";
import { inTransaction } from "../connection/in_transaction.ts";
import type { Database } from "../database.ts";
import { lockParked } from "./lock_parked.ts";
import { keyRecords, type TenantKey } from "../rows/tenant_keys.ts";

/** Deletes those of these that are still parked, and returns how many these were. */
export async function deleteParked(
  db: Kysely<Database>,
  keys: readonly TenantKey[],
): Promise<number> {
  if (keys.length === 0) return 0;
  return await inTransaction(db, async (transaction) => {
    await lockParked(transaction);
    const { numDeletedRows } = await transaction
      .deleteFrom("parked_readings as p")
      .using(keyRecords(keys))
      .whereRef("p.tenant_id", "=", "keys.tenant_id")
      .whereRef("p.device_id", "=", "keys.device_id")
      .whereRef("p.timestamp", "=", "keys.timestamp")
      .whereRef("p.tie_break", "=", "keys.tie_break")
      .executeTakeFirstOrThrow();
    return Number(numDeletedRows);
  });
}
