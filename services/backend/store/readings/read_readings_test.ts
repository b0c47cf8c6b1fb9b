import assert from "node:assert/strict";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { eachDatabase } from "../../../../tests/support/each_database.ts";
import { device, noonSeconds, readingRow } from "../../../../tests/support/store_rows.ts";
import { writeDevices } from "../devices/write_devices.ts";
import { lastInstants, latestReadings } from "./read_readings.ts";
import { writeReadings } from "./write_readings.ts";

eachDatabase("latestReadings", {
  async "gives the newest of each device that has one"(db) {
    const ids = ["c", "a", "silent", "b"];
    await writeDevices(db, defaultTenant, ids.map((id) => device(id)));
    await writeReadings(
      db,
      defaultTenant,
      ["a", "b", "c"].flatMap((id) => [
        readingRow(id, { nanos: 7 }),
        readingRow(id, { nanos: 12, temperature: 1 }),
        readingRow(id, { seconds: noonSeconds - 1, nanos: 999_999_999 }),
      ]),
    );
    const latest = await latestReadings(db, defaultTenant, [...ids, "unknown"]);
    assert.deepEqual(
      [...latest].map((
        [id, { reading: { deviceId, timestamp, nanos, temperature } }],
      ) => [id, deviceId, timestamp, nanos, temperature]).sort(),
      ["a", "b", "c"].map((id) => [id, id, BigInt(noonSeconds), 12, 1]),
    );
    assert.deepEqual(await latestReadings(db, defaultTenant, []), new Map());
  },

  async "says how often each device reports, by its newest few"(db) {
    await writeDevices(db, defaultTenant, [device("slow"), device("new")]);
    const rows = Array.from(
      { length: 12 },
      (_, at) => readingRow("slow", { seconds: noonSeconds - (at < 8 ? 600 * at : 6_000 + at) }),
    );
    await writeReadings(db, defaultTenant, [...rows, readingRow("new")]);
    const latest = await latestReadings(db, defaultTenant, ["slow", "new"]);
    assert.equal(latest.get("slow")!.typicalIntervalSeconds, 600);
    assert.equal(latest.get("new")!.typicalIntervalSeconds, undefined);
  },
});

eachDatabase("lastInstants", {
  async "gives the newest instant that has come of each device that has one"(db) {
    await writeDevices(db, defaultTenant, ["a", "ahead", "silent"].map((id) => device(id)));
    const ahead = Math.floor(Date.now() / 1_000) + 3_600;
    await writeReadings(db, defaultTenant, [
      readingRow("a", { seconds: noonSeconds + 1, nanos: 999_999_999 }),
      readingRow("a", { seconds: noonSeconds - 1 }),
      readingRow("a", { seconds: ahead }),
      readingRow("ahead", { seconds: ahead }),
    ]);
    const last = await lastInstants(db, defaultTenant, ["a", "ahead", "silent", "unknown"]);
    assert.deepEqual(last, new Map([["a", noonSeconds + 1]]));
  },
});
