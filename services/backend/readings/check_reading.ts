import type { SensorReading } from "#shared/gen/iot/v1/reading_pb.ts";
import { measures, valuesOf } from "#shared/telemetry/measures.ts";
import { checkDeviceId, checkInstant, checkRange } from "./field_rules.ts";
import type { ReadingRow } from "./reading_row.ts";
import { tieBreak } from "./tie_break.ts";

/**
 * The row of a reading, however it came.
 *
 * @param nowMs Unix milliseconds
 * @throws {MalformedMessageError} if it is out of the contract's ranges.
 */
export function checkReading(reading: SensorReading, nowMs: number): ReadingRow {
  const { deviceId, timestamp, nanos } = reading;
  checkDeviceId(deviceId);
  checkInstant("timestamp", timestamp, nowMs);
  checkRange("nanos", nanos, 0, 999_999_999);
  const values = valuesOf(reading);
  for (let at = 0; at < values.length; at++) {
    const value = values[at];
    if (value === undefined) continue;
    const { column, min, max } = measures[at]!;
    checkRange(column, value, min, max);
    // Adding 0 makes -0 the 0 that it equals, so that both are the same reading.
    values[at] = value + 0;
  }
  return {
    deviceId,
    micros: Number(timestamp) * 1_000_000 + Math.floor(nanos / 1_000),
    tieBreak: tieBreak(nanos % 1_000, values),
    values,
  };
}
