import { create } from "@bufbuild/protobuf";
import { type Kysely, sql } from "kysely";
import { type IoTDevice, IoTDeviceSchema } from "#shared/gen/iot/v1/device_pb.ts";
import { valuesOf } from "#shared/telemetry/measures.ts";
import type { ReadingRow } from "../../services/backend/readings/reading_row.ts";
import { tieBreak } from "../../services/backend/readings/tie_break.ts";
import type { Database } from "../../services/backend/store/database.ts";

/** 2024-03-01T12:00:00Z. */
export const noonSeconds = 1_709_294_400;

export function device(deviceId: string, changed: Partial<IoTDevice> = {}): IoTDevice {
  return create(IoTDeviceSchema, {
    deviceId,
    location: "Hall 1",
    macAddress: "02:00:00:00:00:01",
    ipAddress: "10.0.0.1",
    firmware: "1.2.3",
    latitude: Math.fround(47.37),
    longitude: Math.fround(8.54),
    lastSeen: BigInt(noonSeconds),
    ...changed,
  });
}

export interface Measured {
  readonly seconds?: number;
  readonly nanos?: number;
  readonly temperature?: number;
  readonly humidity?: number;
  readonly pressure?: number;
  readonly batteryLevel?: number;
}

/** A reading's row, as the decoder makes it. */
export function readingRow(deviceId: string, measured: Measured = {}): ReadingRow {
  const { seconds = noonSeconds, nanos = 0, temperature = 20, humidity = 50 } = measured;
  const { pressure = 1_000, batteryLevel = 90 } = measured;
  const values = valuesOf({ temperature, humidity, pressure, batteryLevel });
  return {
    deviceId,
    micros: seconds * 1_000_000 + Math.floor(nanos / 1_000),
    tieBreak: tieBreak(nanos % 1_000, values),
    values,
  };
}

/** Rows in a table. */
export async function countRows(
  db: Kysely<Database>,
  table: "iot_devices" | "sensor_readings" | "closed_readings" | "parked_readings",
): Promise<number> {
  const { rows: [row] } = await sql<{ count: number }>`
    select count(*)::int as count from ${sql.table(table)}`.execute(db);
  return row!.count;
}
