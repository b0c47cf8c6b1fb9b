import type { GetAllDeviceResponse } from "#shared/gen/iot/v1/iot_service_pb.ts";
import type { IotClient } from "./backend_client.ts";

const devicesPerPage = 50;

/** A page of all devices, each with its latest reading; `pageToken` is empty for the first. */
export function queryDevices(
  iot: IotClient,
  pageToken: string,
  signal?: AbortSignal,
): Promise<GetAllDeviceResponse> {
  const request = { pageSize: devicesPerPage, pageToken, withLatestReading: true };
  return iot.getAllDevice(request, signal && { signal });
}
