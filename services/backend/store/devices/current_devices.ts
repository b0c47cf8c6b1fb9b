import type { Kysely } from "kysely";
import type { IoTDevice } from "#shared/gen/iot/v1/device_pb.ts";
import type { TenantId } from "../../readings/tenant.ts";
import type { Database } from "../database.ts";
import { lastInstants, type LatestReading, latestReadings } from "../readings/read_readings.ts";
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
 * whichever backend. What their rows do not tell yet is looked up.
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
  const ids = rows.map(({ device }) => device.deviceId);
  const behind = new Map(view.behind(ids));
  for (const { device: { deviceId }, doubtful } of rows) {
    if (doubtful) lagging.note(tenantId, deviceId, undefined);
    if (doubtful || othersLag) behind.set(deviceId, undefined);
  }
  if (behind.size === 0) return rows;
  const nowMicros = Date.now() * 1_000;
  // An instant that is known and has come needs no look; a whole reading does.
  const unknown = [...behind].filter(([, micros]) => micros === undefined || micros > nowMicros)
    .map(([id]) => id);
  const last = await lastInstants(db, tenantId, unknown);
  const latest = withLatest ? await latestReadings(db, tenantId, [...behind.keys()]) : undefined;
  return rows.map((row) => {
    const { deviceId } = row.device;
    if (!behind.has(deviceId)) return row;
    const micros = behind.get(deviceId);
    const seconds = last.get(deviceId) ??
      (micros === undefined || micros > nowMicros ? 0 : Math.floor(micros / 1_000_000));
    return caughtUp(row, seconds, latest?.get(deviceId));
  });
}

function caughtUp(
  { device, latest }: DeviceRow,
  seenSeconds: number,
  newest: LatestReading | undefined,
): CurrentDevice {
  if (BigInt(seenSeconds) > device.lastSeen) device.lastSeen = BigInt(seenSeconds);
  return { device, latest: newest ?? latest };
}
