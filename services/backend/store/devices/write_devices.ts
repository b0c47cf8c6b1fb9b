import { type Kysely, sql } from "kysely";
import type { IoTDevice } from "#shared/gen/iot/v1/device_pb.ts";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import { float8Array, textArray, timestamptzArray } from "../connection/binary_array.ts";
import { inTransaction } from "../connection/in_transaction.ts";
import type { Database } from "../database.ts";
import { lockParked } from "../parked/lock_parked.ts";
import {
  devicesWithDue,
  findDue,
  type MovedReadings,
  moveParked,
  nothingMoved,
} from "../parked/move_parked.ts";
import { newestParked } from "../parked/newest_parked.ts";
import { unlessRefused } from "../parked/unless_refused.ts";
import { withPartitions } from "../partitions/with_partitions.ts";
import { describedColumns, type DescribedDevice } from "./described_columns.ts";
import { lockDevices } from "./lock_devices.ts";

/** Most parked readings that are released at once: it must end within its time limit. */
const releaseLimit = 50_000;

/**
 * Registers devices, or brings their descriptions up to date, and releases
 * their parked readings, in one transaction, so that all of it is committed or
 * none; of more than 50,000, the job `release_parked` moves the rest. Where
 * the database refuses one of the readings, the devices alone are registered:
 * no device is to blame for its readings, which are the job's then. Of two
 * descriptions of a device the one with the later `last_seen` holds, in
 * whatever order they come.
 */
export async function writeDevices(
  db: Kysely<Database>,
  tenantId: TenantId,
  devices: readonly IoTDevice[],
): Promise<MovedReadings> {
  const newest = newestOfEach(devices);
  const work = (transaction: Kysely<Database>) => registerAndRelease(transaction, tenantId, newest);
  const ids = newest.map(({ deviceId }) => deviceId);
  return await withPartitions(
    db,
    () => inTransaction(db, work),
    () => newestParked(db, tenantId, ids),
  );
}

async function registerAndRelease(
  transaction: Kysely<Database>,
  tenantId: TenantId,
  devices: readonly IoTDevice[],
): Promise<MovedReadings> {
  const ids = devices.map(({ deviceId }) => deviceId);
  await lockDevices(transaction, "together");
  await register(transaction, tenantId, devices);
  const waiting = await devicesWithDue(transaction, tenantId, ids);
  if (waiting.length === 0) return nothingMoved;
  await lockParked(transaction);
  const due = await findDue(transaction, tenantId, waiting, releaseLimit);
  if (due === undefined) return nothingMoved;
  return await unlessRefused(
    transaction,
    () => moveParked(transaction, due),
    () => nothingMoved,
  );
}

/** In the order in which they came. */
function newestOfEach(devices: readonly IoTDevice[]): readonly IoTDevice[] {
  const newest = new Map<string, IoTDevice>();
  for (const device of devices) {
    const other = newest.get(device.deviceId);
    if (other === undefined || device.lastSeen >= other.lastSeen) {
      newest.set(device.deviceId, device);
    }
  }
  return [...newest.values()];
}

async function register(
  db: Kysely<Database>,
  tenantId: TenantId,
  devices: readonly IoTDevice[],
): Promise<void> {
  await db.insertInto("iot_devices")
    .columns([
      "tenant_id",
      ...describedColumns,
      "last_seen",
      "described_at",
    ])
    .expression((eb) =>
      eb.selectFrom(recordsOf(devices))
        .select([
          sql<TenantId>`${tenantId}::int`.as("tenant_id"),
          ...describedColumns,
          "seen as last_seen",
          "seen as described_at",
        ])
        .orderBy(sql`device_id collate "C"`)
    )
    .onConflict((conflict) =>
      conflict.columns(["tenant_id", "device_id"])
        .doUpdateSet(({ ref, fn, eb }) => {
          const seen = fn<Date>("greatest", ["iot_devices.last_seen", "excluded.last_seen"]);
          return {
            location: ref("excluded.location"),
            mac_address: ref("excluded.mac_address"),
            ip_address: ref("excluded.ip_address"),
            firmware: ref("excluded.firmware"),
            latitude: ref("excluded.latitude"),
            longitude: ref("excluded.longitude"),
            last_seen: seen,
            described_at: ref("excluded.described_at"),
            // A description changes no reading: what was told up to its last_seen still is.
            latest_for: eb.case()
              .when("iot_devices.latest_for", "=", ref("iot_devices.last_seen"))
              .then(seen)
              .else(ref("iot_devices.latest_for"))
              .end(),
          };
        })
        .whereRef("iot_devices.described_at", "<=", "excluded.described_at")
    )
    .execute();
}

interface DeviceRecord extends DescribedDevice {
  readonly seen: Date;
}

/** The devices as a table of a statement. */
function recordsOf(devices: readonly IoTDevice[]) {
  return sql<DeviceRecord>`unnest(
    ${textArray(devices.map(({ deviceId }) => deviceId))}::text[],
    ${textArray(devices.map(({ location }) => location))}::text[],
    ${textArray(devices.map(({ macAddress }) => macAddress))}::text[],
    ${textArray(devices.map(({ ipAddress }) => ipAddress))}::text[],
    ${textArray(devices.map(({ firmware }) => firmware))}::text[],
    ${float8Array(devices.map(({ latitude }) => latitude))}::float8[],
    ${float8Array(devices.map(({ longitude }) => longitude))}::float8[],
    ${timestamptzArray(devices.map(({ lastSeen }) => Number(lastSeen) * 1_000_000))}::timestamptz[]
  )`.as<"incoming">(
    sql`incoming(device_id, location, mac_address, ip_address, firmware, latitude, longitude, seen)`,
  );
}
