import { Buffer } from "node:buffer";
import { toBinary } from "@bufbuild/protobuf";
import { type SensorReading, SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import { Fleet } from "../../services/generator/fleet/fleet.ts";

/** Readings of a fleet that take turns, one a second each, up to now. */
export interface Workload {
  readonly devices: number;
  readonly readings: number;
}

const seed = 1;
export const fleet = new Fleet(seed);

/** The same readings each time, in the order in which they are sent. */
export function* readingsOf({ devices, readings }: Workload): Generator<SensorReading> {
  const startUs = Date.UTC(2026, 0, 1) * 1_000;
  for (let i = 0; i < readings; i++) {
    const device = i % devices;
    // The device's own phase within the second, then its turn.
    const phaseUs = Math.floor((device * 1_000_000) / devices);
    yield fleet.reading(device, startUs + Math.floor(i / devices) * 1_000_000 + phaseUs);
  }
}

export function encode(reading: SensorReading): Buffer {
  const bytes = toBinary(SensorReadingSchema, reading);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
