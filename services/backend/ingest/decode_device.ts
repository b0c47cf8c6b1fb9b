import { fromBinary } from "@bufbuild/protobuf";
import { type IoTDevice, IoTDeviceSchema } from "#shared/gen/iot/v1/device_pb.ts";
import { checkDeviceId, checkInstant, checkRange, checkText } from "./field_rules.ts";
import { MalformedMessageError } from "./malformed_message_error.ts";

/**
 * A device from the body of its message.
 *
 * @param nowMs Unix milliseconds
 * @throws {MalformedMessageError} if it is no `IoTDevice`, or out of the contract's ranges.
 */
export function decodeDevice(body: Uint8Array, nowMs: number): IoTDevice {
  let device: IoTDevice;
  try {
    device = fromBinary(IoTDeviceSchema, body);
  } catch (cause) {
    throw new MalformedMessageError("undecodable", `not an IoTDevice: ${cause}`, { cause });
  }
  checkDeviceId(device.deviceId);
  checkText("location", device.location);
  checkText("mac_address", device.macAddress);
  checkText("ip_address", device.ipAddress);
  checkText("firmware", device.firmware);
  checkRange("latitude", device.latitude, -90, 90);
  checkRange("longitude", device.longitude, -180, 180);
  checkInstant("last_seen", device.lastSeen, nowMs);
  return device;
}
