import { Code, ConnectError } from "@connectrpc/connect";
import type { IoTDevice } from "#shared/gen/iot/v1/device_pb.ts";
import type { IotClient } from "./backend_client.ts";

/** The device, or NOT_FOUND: an id that no device may have is that of no device. */
export async function queryDevice(
  iot: IotClient,
  deviceId: string,
  signal?: AbortSignal,
): Promise<IoTDevice> {
  try {
    const { device } = await iot.getDevice({ deviceId }, signal && { signal });
    if (device !== undefined) return device;
  } catch (error) {
    if (ConnectError.from(error).code !== Code.InvalidArgument) throw error;
  }
  throw new ConnectError("no such device", Code.NotFound);
}
