import { fromBinary } from "@bufbuild/protobuf";
import { type SensorReading, SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import { checkDeviceId, checkInstant, checkRange } from "../readings/field_rules.ts";
import { MalformedMessageError } from "../readings/malformed_message_error.ts";
import type { ReadingRow } from "../readings/reading_row.ts";
import { tieBreak } from "../readings/tie_break.ts";

/**
 * A row from the body of a reading's message.
 *
 * @param nowMs Unix milliseconds
 * @throws {MalformedMessageError} if it is no `SensorReading`, or out of the contract's ranges.
 */
export function decodeReading(body: Uint8Array, nowMs: number): ReadingRow {
  let reading: SensorReading;
  try {
    reading = fromBinary(SensorReadingSchema, body);
  } catch (cause) {
    throw new MalformedMessageError("undecodable", `not a SensorReading: ${cause}`, { cause });
  }
  const { deviceId, timestamp, nanos } = reading;
  // Adding 0 makes -0 the 0 that it equals, so that both are the same reading.
  const temperature = reading.temperature + 0;
  const humidity = reading.humidity + 0;
  const pressure = reading.pressure + 0;
  const batteryLevel = reading.batteryLevel + 0;
  checkDeviceId(deviceId);
  checkInstant("timestamp", timestamp, nowMs);
  checkRange("nanos", nanos, 0, 999_999_999);
  checkRange("temperature", temperature, -90, 150);
  checkRange("humidity", humidity, 0, 100);
  checkRange("pressure", pressure, 300, 1_100);
  checkRange("battery_level", batteryLevel, 0, 100);
  return {
    deviceId,
    micros: Number(timestamp) * 1_000_000 + Math.floor(nanos / 1_000),
    tieBreak: tieBreak(nanos % 1_000, temperature, humidity, pressure, batteryLevel),
    temperature,
    humidity,
    pressure,
    batteryLevel,
  };
}
