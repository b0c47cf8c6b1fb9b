import { create } from "@bufbuild/protobuf";
import {
  type GetDeviceRequest,
  type GetDeviceResponse,
  GetDeviceResponseSchema,
} from "#shared/gen/iot/v1/iot_service_pb.ts";
import { findDevice } from "../store/devices/read_devices.ts";
import type { Caller } from "./ask.ts";
import { checkAskedId, noSuchDevice } from "./check_request.ts";

export async function getDevice(
  { deviceId }: GetDeviceRequest,
  { tenantId, ask }: Caller,
): Promise<GetDeviceResponse> {
  checkAskedId(deviceId);
  const device = await ask((db) => findDevice(db, tenantId, deviceId));
  if (device === undefined) throw noSuchDevice(deviceId);
  return create(GetDeviceResponseSchema, { device });
}
