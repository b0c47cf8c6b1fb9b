import { fromBinary } from "@bufbuild/protobuf";
import { type IoTDevice, IoTDeviceSchema } from "#shared/gen/iot/v1/device_pb.ts";
import { checkDeviceId, checkInstant, checkRange, checkText } from "../readings/field_rules.ts";
import { MalformedMessageError } from "../readings/malformed_message_error.ts";

/**
 * A device from the body of its message; one that says nothing of `last_seen` is seen now.
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
  // Proto3 sends no zero: a producer that does not know the field is seen when it is heard.
  if (device.lastSeen === 0n) device.lastSeen = BigInt(Math.floor(nowMs / 1_000));
  checkInstant("last_seen", device.lastSeen, nowMs);
  return device;
}
