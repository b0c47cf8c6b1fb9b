import { create } from "@bufbuild/protobuf";
import type { Kysely } from "kysely";
import {
  type GetAllDeviceRequest,
  type GetAllDeviceResponse,
  GetAllDeviceResponseSchema,
} from "#shared/gen/iot/v1/iot_service_pb.ts";
import { typicalInterval } from "#shared/telemetry/typical_interval.ts";
import type { Database } from "../store/database.ts";
import { listDevices } from "../store/read_devices.ts";
import { latestReadings } from "../store/read_readings.ts";
import { pageSize } from "./check_request.ts";
import { deviceToken, readDeviceToken } from "./page_token.ts";

export async function getAllDevice(
  db: Kysely<Database>,
  request: GetAllDeviceRequest,
): Promise<GetAllDeviceResponse> {
  const size = pageSize(request.pageSize);
  const after = readDeviceToken(request.pageToken);
  // One more than asked for says whether there is a next page.
  const limit = size === undefined ? undefined : size + 1;
  const found = await listDevices(db, { after, limit });
  const more = size !== undefined && found.length > size;
  const devices = more ? found.slice(0, size) : [...found];
  const latest = request.withLatestReading
    ? await latestReadings(db, devices.map(({ deviceId }) => deviceId))
    : [];
  return create(GetAllDeviceResponseSchema, {
    devices,
    latestReadings: latest.map(({ reading }) => reading),
    typicalIntervalSeconds: latest.map(({ recentSeconds }) => typicalInterval(recentSeconds) ?? 0),
    nextPageToken: more ? deviceToken(devices.at(-1)!.deviceId) : "",
  });
}
