import { Buffer } from "node:buffer";
import { toBinary } from "@bufbuild/protobuf";
import { type SensorReading, SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import { Fleet } from "../../services/generator/fleet/fleet.ts";

/** Readings of a fleet whose devices take turns, one reading a second each. */
export interface Workload {
  readonly devices: number;
  readonly readings: number;
  /** When the first turn begins, in Unix seconds. */
  readonly fromSeconds: number;
}

const seed = 1;
export const fleet = new Fleet(seed);

const hourSeconds = 3_600;
/** How long the backend waits from an hour's end until it rolls it up. */
const settleSeconds = 300;

/**
 * When so many turns are to begin so that they come as readings of the present do:
 * none in the future, and as far as they go in no hour that is rolled up by now.
 */
export function presentSeconds(turns: number): number {
  const now = Math.floor(Date.now() / 1_000);
  const hour = Math.floor((now - settleSeconds) / hourSeconds) * hourSeconds;
  return Math.min(hour, now - turns);
}

export function turnsOf({ devices, readings }: Omit<Workload, "fromSeconds">): number {
  return Math.ceil(readings / devices);
}

/** The same readings each time, in the order in which they are sent. */
export function* readingsOf(
  { devices, readings, fromSeconds }: Workload,
): Generator<SensorReading> {
  for (let i = 0; i < readings; i++) {
    const device = i % devices;
    // The device's own phase within the second, then its turn.
    const phaseUs = Math.floor((device * 1_000_000) / devices);
    const second = fromSeconds + Math.floor(i / devices);
    yield fleet.reading(device, second * 1_000_000 + phaseUs);
  }
}

export function encode(reading: SensorReading): Buffer {
  const bytes = toBinary(SensorReadingSchema, reading);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
