import { type Kysely, sql } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import type { ReadingRow } from "../../readings/reading_row.ts";
import { textArray } from "../connection/binary_array.ts";
import { inTransaction } from "../connection/in_transaction.ts";
import { sqlState } from "../connection/write_failure.ts";
import type { Database } from "../database.ts";
import { withPartitions } from "../partitions/with_partitions.ts";
import { insertReadings } from "./insert_readings.ts";
import type { KnownDevices } from "./known_devices.ts";
import { storeReadings } from "./store_readings.ts";

export interface WrittenReadings {
  /** Now in `sensor_readings`, and not before. */
  readonly stored: number;
  /** Now in `parked_readings`, and not before: their devices are not yet known. */
  readonly parked: number;
}

const foreignKeyViolation = "23503";

/**
 * Writes a batch: readings of registered devices are stored, the others parked.
 * What is there already is passed over, as is what a try that failed has written.
 *
 * @param known Where every device of the batch is in it, none is looked up,
 *   which spares an eighth of the database's work; and it learns from each write.
 * @param strangers Gets the ids of the devices whose readings were parked.
 */
export async function writeReadings(
  db: Kysely<Database>,
  tenantId: TenantId,
  rows: readonly ReadingRow[],
  known?: KnownDevices,
  strangers?: Set<string>,
): Promise<WrittenReadings> {
  const newest = () => rows.reduce((most, { micros }) => Math.max(most, micros), -Infinity);
  return await withPartitions(db, () => write(db, tenantId, rows, known, strangers), newest);
}

async function write(
  db: Kysely<Database>,
  tenantId: TenantId,
  rows: readonly ReadingRow[],
  known: KnownDevices | undefined,
  strangers: Set<string> | undefined,
): Promise<WrittenReadings> {
  if (known !== undefined && rows.every(({ deviceId }) => known.has(deviceId))) {
    try {
      return { stored: await storeReadings(db, tenantId, rows), parked: 0 };
    } catch (error) {
      if (sqlState(error) !== foreignKeyViolation) throw error;
      // One was deleted meanwhile, which only a person does.
      for (const { deviceId } of rows) known.delete(deviceId);
    }
  }
  const registered = await registeredAmong(db, tenantId, rows);
  for (const id of registered) known?.add(id);
  const storable = rows.filter(({ deviceId }) => registered.has(deviceId));
  const others = rows.filter(({ deviceId }) => !registered.has(deviceId));
  for (const { deviceId } of others) strangers?.add(deviceId);
  const store = (db: Kysely<Database>) => storeReadings(db, tenantId, storable);
  if (others.length === 0) return { stored: await store(db), parked: 0 };
  return await inTransaction(db, async (transaction) => ({
    parked: (await insertReadings(transaction, "parked_readings", tenantId, others)).count,
    stored: await store(transaction),
  }));
}

/** Those of the rows' devices that are registered. */
async function registeredAmong(
  db: Kysely<Database>,
  tenantId: TenantId,
  rows: readonly ReadingRow[],
): Promise<ReadonlySet<string>> {
  const ids = [...new Set(rows.map(({ deviceId }) => deviceId))];
  if (ids.length === 0) return new Set();
  const found = await db.selectFrom("iot_devices").select("device_id")
    .where("tenant_id", "=", tenantId)
    .where("device_id", "=", sql<string>`any(${textArray(ids)}::text[])`)
    .execute();
  return new Set(found.map(({ device_id }) => device_id));
}
