import type { Kysely } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import { inTransaction } from "../connection/in_transaction.ts";
import type { Database } from "../database.ts";
import type { ReadingKey } from "../rows/reading_key.ts";
import { deleteParked } from "./delete_parked.ts";
import { lockParked } from "./lock_parked.ts";
import { type ParkedFilter, passes } from "./parked_filter.ts";
import { keyColumns, keyTuple } from "../rows/tenant_keys.ts";

/**
 * Deletes up to `limit` parked readings that pass the filter, in the order of
 * their keys from after `after`, and says where to go on; undefined at the end.
 */
export async function dropParked(
  db: Kysely<Database>,
  tenantId: TenantId,
  filter: ParkedFilter,
  { after, limit }: { readonly after: ReadingKey | undefined; readonly limit: number },
): Promise<{ readonly dropped: number; readonly next: ReadingKey | undefined }> {
  return await inTransaction(db, async (transaction) => {
    await lockParked(transaction);
    const keys = await transaction.selectFrom("parked_readings")
      .select(keyColumns)
      .where("tenant_id", "=", tenantId)
      .where(passes(filter))
      .$if(
        after !== undefined,
        (query) =>
          query.where(({ eb, refTuple }) =>
            eb(refTuple("device_id", "timestamp", "tie_break"), ">", keyTuple(after!))
          ),
      )
      .orderBy("device_id").orderBy("timestamp").orderBy("tie_break")
      .limit(limit)
      .execute();
    const dropped = await deleteParked(transaction, keys.map((key) => ({ tenantId, ...key })));
    return { dropped, next: keys.at(-1) };
  });
}
