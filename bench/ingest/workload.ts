import { Buffer } from "node:buffer";
import { toBinary } from "@bufbuild/protobuf";
import { type SensorReading, SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import { Fleet } from "../../services/generator/fleet/fleet.ts";

/** Readings of a fleet whose devices take turns, one reading a second each. */
export interface Workload {
  readonly devices: number;
  readonly readings: number;
  /** The turn that they start with, so that one workload can follow another; 0 unless given. */
  readonly firstTurn?: number;
}

const seed = 1;
export const fleet = new Fleet(seed);

const daySeconds = 86_400;

/**
 * When a turn begins, in Unix seconds: some days ago, since none of a large
 * table may be in the future, and each must be of a day that is open.
 */
export function turnSeconds(turn: number): number {
  const today = Math.floor(Date.now() / 1_000 / daySeconds) * daySeconds;
  return today - 6 * daySeconds + turn;
}

export function turnsOf({ devices, readings }: Workload): number {
  return Math.ceil(readings / devices);
}

/** The same readings each time, in the order in which they are sent. */
export function* readingsOf(
  { devices, readings, firstTurn = 0 }: Workload,
): Generator<SensorReading> {
  for (let i = 0; i < readings; i++) {
    const device = i % devices;
    // The device's own phase within the second, then its turn.
    const phaseUs = Math.floor((device * 1_000_000) / devices);
    const turn = firstTurn + Math.floor(i / devices);
    yield fleet.reading(device, turnSeconds(turn) * 1_000_000 + phaseUs);
  }
}

export function encode(reading: SensorReading): Buffer {
  const bytes = toBinary(SensorReadingSchema, reading);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
