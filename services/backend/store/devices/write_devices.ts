import { type Kysely, type RawBuilder, sql } from "kysely";
import type { IoTDevice } from "#shared/gen/iot/v1/device_pb.ts";
import { writeFailure } from "../connection/write_failure.ts";
import type { Database } from "../database.ts";
import { movedFrom, perDevice, type ReleasedReadings } from "../parked/release_parked.ts";

/** Most parked readings that one statement releases: it must end within its time limit. */
const releaseLimit = 50_000;

/**
 * Registers devices, or brings their descriptions up to date, and releases
 * their parked readings, in one statement, so that all of it is committed or
 * none; of more than 50,000, the job `release_parked` moves the rest. Where
 * the database refuses that, the devices alone are registered: no device is to
 * blame for its readings, which are the job's then. Of two descriptions of a
 * device the one with the later `last_seen` holds, in whatever order they come.
 */
export async function writeDevices(
  db: Kysely<Database>,
  _tenantId: number,
  devices: readonly IoTDevice[],
): Promise<readonly ReleasedReadings[]> {
  const registering = registered(devices);
  try {
    const { rows } = await sql<ReleasedReadings>`
      with ${registering}, ${movedFrom(sql`incoming`, releaseLimit)} ${perDevice}`.execute(db);
    return rows;
  } catch (error) {
    if (writeFailure(error) !== "reject") throw error;
    await sql`with ${registering} select`.execute(db);
    return [];
  }
}

/** Common table expressions: the devices as `incoming`, and their registration. */
function registered(devices: readonly IoTDevice[]): RawBuilder<unknown> {
  const newest = new Map<string, IoTDevice>();
  for (const device of devices) {
    const other = newest.get(device.deviceId);
    if (other === undefined || device.lastSeen >= other.lastSeen) {
      newest.set(device.deviceId, device);
    }
  }
  const rows = [...newest.values()].map((device) => ({
    id: device.deviceId,
    location: device.location,
    mac: device.macAddress,
    ip: device.ipAddress,
    firmware: device.firmware,
    latitude: device.latitude,
    longitude: device.longitude,
    seconds: Number(device.lastSeen),
  }));
  return sql`
    incoming as materialized (
      select * from json_to_recordset(${JSON.stringify(rows)}) as r(
        id text, location text, mac text, ip text, firmware text,
        latitude real, longitude real, seconds double precision
      )
      order by id collate "C"
    ),
    registered as (
      insert into iot_devices as d (
        device_id, location, mac_address, ip_address, firmware,
        latitude, longitude, last_seen, described_at
      )
      select id, location, mac, ip, firmware, latitude, longitude,
        to_timestamp(seconds), to_timestamp(seconds)
      from incoming
      on conflict (device_id) do update set
        location = excluded.location, mac_address = excluded.mac_address,
        ip_address = excluded.ip_address, firmware = excluded.firmware,
        latitude = excluded.latitude, longitude = excluded.longitude,
        last_seen = greatest(d.last_seen, excluded.last_seen),
        described_at = excluded.described_at
      where d.described_at <= excluded.described_at
    )`;
}
