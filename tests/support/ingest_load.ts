import { create, toBinary } from "@bufbuild/protobuf";
import { IoTDeviceSchema } from "#shared/gen/iot/v1/device_pb.ts";
import { SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import { oldReading } from "./old_producer.ts";
import { noonSeconds } from "./store_rows.ts";

/** A temperature that tests let the database refuse by a constraint. */
export const refusedTemperature = 66.6;

export interface DeadMessage {
  readonly body: Uint8Array;
  readonly reason: string;
}

/** What is published, and what must have become of it in the end. */
export interface IngestLoad {
  readonly devices: readonly Uint8Array[];
  /** With repetitions. */
  readonly readings: readonly Uint8Array[];
  /** As `readingKey` gives them, without repetitions, sorted. */
  readonly stored: readonly string[];
}

interface Stored {
  readonly deviceId: string;
  readonly seconds: number;
  readonly nanos: number;
  readonly temperature: number;
}

/** What a stored reading is known by. */
export function readingKey({ deviceId, seconds, nanos, temperature }: Stored): string {
  return `${deviceId} ${seconds}.${nanos} ${temperature}`;
}

/**
 * Readings of devices in all forms that are good: several in a second, told
 * apart by values or by nanoseconds, whole seconds from an old producer, and
 * every twentieth sent twice.
 */
export function ingestLoad(
  devices: number,
  readingsEach: number,
  prefix = "device",
  suffix = " 🌡",
): IngestLoad {
  const ids = Array.from({ length: devices }, (_, at) => `${prefix} ${at}${suffix}`);
  const readings: Uint8Array[] = [];
  const stored: string[] = [];
  for (let at = 0; at < readingsEach; at++) {
    for (const deviceId of ids) {
      const seconds = noonSeconds + Math.floor(at / 4);
      const nanos = at % 2 === 0 ? 0 : 1_000 + at % 3;
      const temperature = Math.round(Math.sin(at) * 1e6) / 1e5;
      const values = { temperature, humidity: 50, pressure: 1_000, batteryLevel: 90 };
      const body = nanos === 0 ? oldReading({ deviceId, timestamp: seconds, ...values }) : toBinary(
        SensorReadingSchema,
        create(SensorReadingSchema, { deviceId, timestamp: BigInt(seconds), nanos, ...values }),
      );
      readings.push(body);
      if (readings.length % 20 === 0) readings.push(body);
      stored.push(readingKey({ deviceId, seconds, nanos, temperature }));
    }
  }
  return { devices: ids.map(deviceBody), readings, stored: stored.toSorted() };
}

function deviceBody(deviceId: string): Uint8Array {
  const lastSeen = BigInt(noonSeconds);
  return toBinary(IoTDeviceSchema, create(IoTDeviceSchema, { deviceId, lastSeen }));
}

/** Messages of every kind that must end as dead letters, for the queue of readings. */
export function malformedReadings(knownId: string): readonly DeadMessage[] {
  const body = (values: object) =>
    toBinary(
      SensorReadingSchema,
      create(SensorReadingSchema, {
        deviceId: knownId,
        timestamp: BigInt(noonSeconds),
        pressure: 1_000,
        ...values,
      }),
    );
  return [
    { body: new Uint8Array([0xff, 0xff, 0xff]), reason: "undecodable" },
    { body: new Uint8Array([0x0a, 2, 0xc3, 0x28]), reason: "undecodable" },
    { body: crypto.getRandomValues(new Uint8Array(300)).fill(0x0b, 0, 1), reason: "undecodable" },
    { body: new Uint8Array(), reason: "missing_field" },
    { body: body({ deviceId: "" }), reason: "missing_field" },
    { body: body({ humidity: NaN }), reason: "out_of_range" },
    { body: body({ timestamp: 1n }), reason: "out_of_range" },
    { body: body({ deviceId: "a\u0007" }), reason: "out_of_range" },
    { body: body({ temperature: refusedTemperature }), reason: "refused_by_database" },
  ];
}

/** As `malformedReadings`, for the queue of devices. */
export function malformedDevices(): readonly DeadMessage[] {
  return [
    { body: new Uint8Array(10 * 2 ** 20), reason: "undecodable" },
    { body: new Uint8Array(), reason: "missing_field" },
    { body: deviceBody("x".repeat(256)), reason: "out_of_range" },
  ];
}
