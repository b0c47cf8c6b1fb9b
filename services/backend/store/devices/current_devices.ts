import type { Kysely } from "kysely";
import type { IoTDevice } from "#shared/gen/iot/v1/device_pb.ts";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import { isNewer, type ReadingRow } from "../../readings/reading_row.ts";
import type { Database } from "../database.ts";
import { lastInstants, type LatestReading, latestReadings } from "../readings/read_readings.ts";
import { readingOf } from "../rows/placed_reading.ts";
import type { LaggingDevices } from "./lagging_devices.ts";
import { type DeviceRow, pageDevices } from "./read_devices.ts";

export interface CurrentDevice {
  readonly device: IoTDevice;
  /** Its newest reading, if it has one and that was asked for. */
  readonly latest: LatestReading | undefined;
}

/**
 * Devices in the order of their ids, after `after` if given, at most `limit`:
 * never behind what of their readings was committed before the call, on
 * whichever backend. What neither their rows nor this backend can tell is
 * looked up.
 */
export async function currentDevices(
  db: Kysely<Database>,
  tenantId: TenantId,
  lagging: LaggingDevices,
  { after, limit, withLatest }: {
    readonly after: string | undefined;
    readonly limit: number;
    readonly withLatest: boolean;
  },
): Promise<readonly CurrentDevice[]> {
  using view = lagging.view(tenantId);
  const page = { after, limit, withLatest, own: lagging.marks };
  const { rows, othersLag } = await pageDevices(db, tenantId, page);
  const behind = new Map(view.behind(rows.map(({ device }) => device.deviceId)));
  for (const { device: { deviceId }, doubtful, ahead } of rows) {
    if (doubtful) lagging.note(tenantId, deviceId, undefined);
    if (doubtful || ahead || othersLag) behind.set(deviceId, undefined);
  }
  if (behind.size === 0) return rows;
  const nowMicros = Date.now() * 1_000;
  const unsaid = rows.filter(({ device: { deviceId }, latest }) => {
    if (!behind.has(deviceId)) return false;
    const reading = behind.get(deviceId);
    // What is ahead of now does not say when the device was last seen.
    return reading === undefined || reading.micros > nowMicros ||
      (withLatest && latest?.typicalIntervalSeconds === undefined);
  }).map(({ device }) => device.deviceId);
  const last = await lastInstants(db, tenantId, unsaid);
  const latest = withLatest ? await latestReadings(db, tenantId, unsaid) : undefined;
  return rows.map((row) => {
    const { deviceId } = row.device;
    const said = behind.get(deviceId);
    const told = said === undefined || said.micros > nowMicros ? row : caughtUp(row, said);
    return seenAt(told, last.get(deviceId), latest?.get(deviceId));
  });
}

/** By a reading that may be newer than what the row tells. */
function caughtUp({ device, latest }: DeviceRow, reading: ReadingRow): CurrentDevice {
  const seconds = BigInt(Math.floor(reading.micros / 1_000_000));
  const isLatest = latest !== undefined && isNewer(reading, latest.position);
  return {
    device: seconds > device.lastSeen ? { ...device, lastSeen: seconds } : device,
    latest: isLatest ? { ...latest, ...readingOf(reading) } : latest,
  };
}

/** By what was looked up of it, if that was. */
function seenAt(
  { device, latest }: CurrentDevice,
  seconds = 0,
  found = latest,
): CurrentDevice {
  const lastSeen = BigInt(seconds);
  // Packed readings are not looked up: the row may tell of one that is newer than what came late.
  const isOlder = latest !== undefined && found !== undefined &&
    isNewer(latest.position, found.position);
  return {
    device: lastSeen > device.lastSeen ? { ...device, lastSeen } : device,
    latest: isOlder ? latest : found,
  };
}
