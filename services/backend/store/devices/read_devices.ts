import { create } from "@bufbuild/protobuf";
import { type Kysely, sql } from "kysely";
import { type IoTDevice, IoTDeviceSchema } from "#shared/gen/iot/v1/device_pb.ts";
import type { Database } from "../database.ts";

interface StoredDevice extends Omit<Database["iot_devices"], "last_seen" | "described_at"> {
  readonly last_seen_seconds: number;
}

// The column lags behind the readings. It alone knows of those from a clock that is ahead.
const columns = sql`device_id, location, mac_address, ip_address, firmware, latitude, longitude,
  floor(extract(epoch from greatest(last_seen, (
    select "timestamp" from sensor_readings r
    where r.device_id = d.device_id and r."timestamp" <= now()
    order by r."timestamp" desc
    limit 1
  ))))::float8 as last_seen_seconds`;

/** Devices in the order of their ids, after `after` if given, at most `limit` if given. */
export async function listDevices(
  db: Kysely<Database>,
  { after, limit }: { readonly after: string | undefined; readonly limit: number | undefined },
): Promise<readonly IoTDevice[]> {
  const { rows } = await sql<StoredDevice>`
    select ${columns} from iot_devices d
    ${after === undefined ? sql`` : sql`where device_id > ${after}`}
    order by device_id
    ${limit === undefined ? sql`` : sql`limit ${limit}`}`.execute(db);
  return rows.map(toDevice);
}

export async function findDevice(
  db: Kysely<Database>,
  deviceId: string,
): Promise<IoTDevice | undefined> {
  const { rows: [row] } = await sql<StoredDevice>`
    select ${columns} from iot_devices d where device_id = ${deviceId}`.execute(db);
  return row === undefined ? undefined : toDevice(row);
}

function toDevice(row: StoredDevice): IoTDevice {
  return create(IoTDeviceSchema, {
    deviceId: row.device_id,
    location: row.location,
    macAddress: row.mac_address,
    ipAddress: row.ip_address,
    firmware: row.firmware,
    latitude: row.latitude,
    longitude: row.longitude,
    lastSeen: BigInt(row.last_seen_seconds),
  });
}
