import type { GetSensorReadingByDeviceIDResponse } from "#shared/gen/iot/v1/iot_service_pb.ts";
import type { IotClient } from "./backend_client.ts";

export const readingsPerPage = 50;

/** A page of a device's readings, newest first; `pageToken` is empty for the first. */
export function queryReadings(
  iot: IotClient,
  deviceId: string,
  pageToken: string,
  signal?: AbortSignal,
): Promise<GetSensorReadingByDeviceIDResponse> {
  const request = { deviceId, pageToken, pageSize: readingsPerPage };
  return iot.getSensorReadingByDeviceID(request, signal && { signal });
}
