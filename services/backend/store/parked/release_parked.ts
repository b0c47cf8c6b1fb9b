import type { Kysely } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import { inTransaction } from "../connection/in_transaction.ts";
import type { Database } from "../database.ts";
import { withPartitions } from "../partitions/with_partitions.ts";
import { lockParked } from "./lock_parked.ts";
import {
  type DueReadings,
  findDue,
  type MovedReadings,
  moveParked,
  nothingMoved,
} from "./move_parked.ts";
import { newestParked } from "./newest_parked.ts";
import { keyTuple } from "../rows/tenant_keys.ts";
import { unlessRefused } from "./unless_refused.ts";

export interface ReleasedReadings extends MovedReadings {
  /** Those that the database refuses to store, as has turned out. */
  readonly setAside: number;
}

/** Most that are set aside at once: others wait for the lock. */
const mostSetAside = 100;

/**
 * Moves up to `limit` parked readings of devices, which must be known by now,
 * to where they belong. A reading that the database refuses stays parked, with
 * the reason, and holds up no other. Fewer than could be are moved then; but
 * where there are any, some are moved or set aside.
 */
export async function releaseParked(
  db: Kysely<Database>,
  tenantId: TenantId,
  deviceIds: readonly string[],
  limit: number,
): Promise<ReleasedReadings> {
  const work = (transaction: Kysely<Database>) => release(transaction, tenantId, deviceIds, limit);
  const newest = () => newestParked(db, tenantId, deviceIds);
  return await withPartitions(db, () => inTransaction(db, work), newest);
}

async function release(
  transaction: Kysely<Database>,
  tenantId: TenantId,
  deviceIds: readonly string[],
  limit: number,
): Promise<ReleasedReadings> {
  await lockParked(transaction);
  let setAside = 0;
  for (let size = limit; setAside < mostSetAside;) {
    const due = await findDue(transaction, tenantId, deviceIds, size);
    if (due === undefined) break;
    // In halves, until one that is refused stands alone.
    const moved = await unlessRefused(
      transaction,
      () => moveParked(transaction, due),
      async (error) => {
        if (due.count > 1) {
          size = due.count >> 1;
          return;
        }
        await setAsideFor(transaction, due, String(error));
        setAside++;
        size = 1;
      },
    );
    if (moved !== undefined) return { ...moved, setAside };
  }
  return { ...nothingMoved, setAside };
}

/** @param due One reading. */
async function setAsideFor(
  db: Kysely<Database>,
  { tenantId, last }: DueReadings,
  reason: string,
): Promise<void> {
  await db.updateTable("parked_readings")
    .set({ refused: reason })
    .where("tenant_id", "=", tenantId)
    .where((is) => is(is.refTuple("device_id", "timestamp", "tie_break"), "=", keyTuple(last)))
    .execute();
}

/** Makes readings due again that were set aside: by now the database may take them. */
export async function retryRefused(db: Kysely<Database>): Promise<void> {
  await inTransaction(db, async (transaction) => {
    await lockParked(transaction);
    await transaction.updateTable("parked_readings")
      .set({ refused: null })
      .where("refused", "is not", null)
      .execute();
  });
}
