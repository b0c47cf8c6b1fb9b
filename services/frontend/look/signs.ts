import type { IoTDevice } from "#shared/gen/iot/v1/device_pb.ts";
import type { SensorReading } from "#shared/gen/iot/v1/reading_pb.ts";
import { instantMs } from "../format/instant.ts";

/** What tells whether a device is online. */
export interface Signs {
  /** Instants at which it gave a sign of life, in Unix milliseconds. */
  readonly instants: readonly number[];
  /** The usual time between two readings, in milliseconds, if known. */
  readonly intervalMs: number | undefined;
}

/** A reading is a sign of life too. Empty for a device that has given none. */
export function signsOf(
  device: IoTDevice,
  reading: SensorReading | undefined,
  intervalSeconds: number | undefined,
): Signs {
  const instants = [
    device.lastSeen === 0n ? NaN : instantMs(device.lastSeen),
    reading === undefined ? NaN : instantMs(reading.timestamp, reading.nanos),
  ].filter((ms) => !Number.isNaN(ms));
  return { instants, intervalMs: intervalSeconds && Math.round(intervalSeconds * 1_000) };
}
