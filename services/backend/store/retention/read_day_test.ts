import assert from "node:assert/strict";
import { type Kysely, sql } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { eachDatabase } from "../../../../tests/support/each_database.ts";
import { openDays } from "../../../../tests/support/open_days.ts";
import { device } from "../../../../tests/support/store_rows.ts";
import type { Database } from "../database.ts";
import { writeDevices } from "../devices/write_devices.ts";
import { dayMicros } from "../partitions/days.ts";
import { readDay } from "./read_day.ts";

const fromMicros = Date.UTC(2024, 1, 20) * 1_000;
/** More than are read of a device at once. */
const readings = 60_000;

/** Of a device, so many readings of the day, two at each instant. */
async function store(db: Kysely<Database>, deviceId: string, readings: number): Promise<void> {
  await sql`
    insert into sensor_readings
      (device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
    select ${deviceId}, to_timestamp(${
    fromMicros / 1_000_000
  }::float8) + at / 2 * interval '1 second',
      at, 20, 50, 1000, 90
    from generate_series(0, ${readings}::int - 1) as at`.execute(db);
}

eachDatabase("readDay", {
  async "reads each reading of the day once, of devices with many and with few"(db) {
    await openDays(db, fromMicros - dayMicros, fromMicros + 2 * dayMicros);
    const few = Array.from({ length: 30 }, (_, at) => `d${10 + at}`);
    const ids = ["busy", ...few, "silent"];
    await writeDevices(db, defaultTenant, ids.map((id) => device(id)));
    await store(db, "busy", readings);
    for (const id of few) await store(db, id, 3);
    const read = new Map<string, number>();
    let last = -Infinity;
    for await (const page of readDay(db, "sensor_readings", fromMicros)) {
      for await (const { deviceId, columns } of page.readings) {
        assert(page.deviceIds.includes(deviceId));
        read.set(deviceId, (read.get(deviceId) ?? 0) + columns.count);
        if (deviceId !== "busy") continue;
        assert(columns.micros[0]! > last);
        last = columns.micros.at(-1)!;
      }
    }
    assert.deepEqual(
      [...read].sort(),
      [["busy", readings] as const, ...few.map((id) => [id, 3] as const)].sort(),
    );
    const other = await Array.fromAsync(readDay(db, "sensor_readings", fromMicros + dayMicros));
    const rest = await Promise.all(other.map(({ readings }) => Array.fromAsync(readings)));
    assert.deepEqual(rest.flat(), []);
  },
});
