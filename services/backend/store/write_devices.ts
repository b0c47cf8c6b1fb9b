import { type Kysely, sql } from "kysely";
import type { IoTDevice } from "#shared/gen/iot/v1/device_pb.ts";
import type { Database } from "./database.ts";
import type { ReleasedReadings } from "./release_parked.ts";

/**
 * Registers devices, or brings their descriptions up to date, and releases
 * their parked readings, in one statement, so that all of it is committed or
 * none. Of two descriptions of a device the one with the later `last_seen`
 * holds, in whatever order they come.
 */
export async function writeDevices(
  db: Kysely<Database>,
  devices: readonly IoTDevice[],
): Promise<readonly ReleasedReadings[]> {
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
  const { rows: released } = await sql<ReleasedReadings>`
    with incoming as materialized (
      select * from json_to_recordset(${JSON.stringify(rows)}) as r(
        id text, location text, mac text, ip text, firmware text,
        latitude real, longitude real, seconds double precision
      )
      order by id
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
    ),
    released as (
      delete from parked_readings p using incoming i where p.device_id = i.id
      returning p.*
    ),
    stored as (
      insert into sensor_readings
        (device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
      select device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level
      from released order by 1, 2, 3
      on conflict do nothing
    )
    select device_id as "deviceId", count(*)::int as "count",
      (extract(epoch from max("timestamp")) * 1000000)::float8 as "newestMicros"
    from released group by device_id`.execute(db);
  return released;
}
