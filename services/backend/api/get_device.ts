import { create } from "@bufbuild/protobuf";
import type { Kysely } from "kysely";
import {
  type GetDeviceRequest,
  type GetDeviceResponse,
  GetDeviceResponseSchema,
} from "#shared/gen/iot/v1/iot_service_pb.ts";
import type { Database } from "../store/database.ts";
import { findDevice } from "../store/read_devices.ts";
import { checkDeviceId, noSuchDevice } from "./check_request.ts";

export async function getDevice(
  db: Kysely<Database>,
  { deviceId }: GetDeviceRequest,
): Promise<GetDeviceResponse> {
  checkDeviceId(deviceId);
  const device = await findDevice(db, deviceId);
  if (device === undefined) throw noSuchDevice(deviceId);
  return create(GetDeviceResponseSchema, { device });
}
