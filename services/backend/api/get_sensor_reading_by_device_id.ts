import { create } from "@bufbuild/protobuf";
import {
  type GetSensorReadingByDeviceIDRequest,
  type GetSensorReadingByDeviceIDResponse,
  GetSensorReadingByDeviceIDResponseSchema,
} from "#shared/gen/iot/v1/iot_service_pb.ts";
import { findDevice } from "../store/devices/read_devices.ts";
import { pageReadings } from "../store/readings/page_readings.ts";
import type { Caller } from "./ask.ts";
import { checkAskedId, noSuchDevice, pageSize } from "./check_request.ts";
import { readingToken, readReadingToken } from "./page_token.ts";

const defaultPageSize = 50;

export async function getSensorReadingByDeviceId(
  request: GetSensorReadingByDeviceIDRequest,
  { tenantId, ask }: Caller,
): Promise<GetSensorReadingByDeviceIDResponse> {
  const { deviceId } = request;
  checkAskedId(deviceId);
  const size = pageSize(request.pageSize) ?? defaultPageSize;
  const before = readReadingToken(tenantId, deviceId, request.pageToken);
  // One more than asked for says whether there is a next page.
  const found = await ask(async (db) => {
    const found = await pageReadings(db, tenantId, { deviceId, before, limit: size + 1 });
    if (found.length === 0 && await findDevice(db, tenantId, deviceId) === undefined) {
      throw noSuchDevice(deviceId);
    }
    return found;
  });
  const page = found.slice(0, size);
  return create(GetSensorReadingByDeviceIDResponseSchema, {
    readings: page.map(({ reading }) => reading),
    nextPageToken: found.length > size
      ? readingToken(tenantId, deviceId, page.at(-1)!.position)
      : "",
  });
}
