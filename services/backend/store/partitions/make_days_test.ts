import assert from "node:assert/strict";
import { sql } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { areContiguous, daysAgo, loseDays } from "../../../../tests/support/days.ts";
import { eachDatabase, eachServer, postgresTest } from "../../../../tests/support/each_database.ts";
import { inTurn } from "../../../../tests/support/in_turn.ts";
import { device } from "../../../../tests/support/store_rows.ts";
import { writeDevices } from "../devices/write_devices.ts";
import { dayMicros, isoDay } from "./days.ts";
import { listPartitions } from "./list_partitions.ts";
import { daysBetween, makeDays } from "./make_days.ts";

const at = (iso: string) => Date.parse(iso) * 1_000;
const names = (from: string, until: string, now: string) =>
  daysBetween(at(from), at(until), at(now)).map(({ name }) => name);

Deno.test("daysBetween is empty where every day is there", () => {
  assert.deepEqual(names("2026-11-26", "2026-11-26", "2026-11-25T12:00Z"), []);
  assert.deepEqual(names("2026-11-28", "2026-11-26T12:00Z", "2026-11-25T12:00Z"), []);
});

Deno.test("daysBetween gives each day a partition, the last one too", () => {
  assert.deepEqual(names("2026-11-26", "2026-11-27T00:00:00.001Z", "2026-11-25T23:59Z"), [
    "sensor_readings_20261126",
    "sensor_readings_20261127",
  ]);
});

Deno.test("daysBetween gives days that nobody wrote in one partition, but for the last month", () => {
  const days = daysBetween(at("2024-11-26"), at("2026-11-27"), at("2026-11-25T12:00Z"));
  assert.equal(days[0]!.name, "sensor_readings_20241126_20261024");
  assert.equal(days[1]!.name, "sensor_readings_20261025");
  assert.equal(days.length, 1 + 33);
  assert.equal(days.at(-1)!.name, "sensor_readings_20261126");
});

Deno.test("daysBetween gives days that are yet to come, as a wrong clock has it, their own partitions for two months", () => {
  const days = daysBetween(at("2026-11-28"), at("2030-01-02"), at("2026-11-25T12:00Z"));
  assert.equal(days[0]!.name, "sensor_readings_20261128");
  assert.equal(days.length, 59 + 1);
  assert.equal(isoDay(days.at(-1)!.fromMicros), "2027-01-26");
  assert.equal(days.at(-1)!.name, "sensor_readings_20270126_20300101");
  for (const [at, { fromMicros }] of days.entries()) {
    if (at > 0) assert.equal(fromMicros, days[at - 1]!.untilMicros);
  }
});

eachDatabase("makeDays", {
  async "makes what is missing, and nothing twice"(db) {
    await loseDays(db, daysAgo(2));
    const until = daysAgo(-2);
    const made = await makeDays(db, until);
    const partitions = await listPartitions(db, "sensor_readings");
    assert.deepEqual(partitions.slice(1), made);
    assert.ok(areContiguous(partitions));
    assert.ok(made.at(-1)!.untilMicros >= until);
    assert.ok(made.at(-1)!.fromMicros < until);
    assert.deepEqual(await makeDays(db, until), []);
  },

  async "makes up for years without a backend"(db) {
    await loseDays(db, daysAgo(730));
    await makeDays(db, daysAgo(-1));
    const partitions = await listPartitions(db, "sensor_readings");
    assert.ok(areContiguous(partitions));
    assert.ok(partitions.length < 40);
    assert.ok(partitions.at(-1)!.untilMicros >= daysAgo(-1));
  },
});

eachServer("makeDays by several", {
  async "makes each day once, and all go on"(db) {
    await loseDays(db, daysAgo(3));
    const until = daysAgo(-3);
    const made = await Promise.all(
      Array.from({ length: 4 }, () => inTurn(() => makeDays(db, until))),
    );
    const all = made.flat().map(({ name }) => name);
    assert.deepEqual(all.toSorted(), [...new Set(all)].toSorted());
    const partitions = await listPartitions(db, "sensor_readings");
    assert.ok(areContiguous(partitions));
    assert.ok(partitions.at(-1)!.untilMicros >= until);
  },
});

// Citus keeps who writes devices from waiting, and from being waited for, by locks of its own.
postgresTest("makeDays beside one who writes devices", {
  async "gives up its wait for one who writes for long, and goes on later"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    await loseDays(db, daysAgo(0));
    const until = daysAgo(0) + dayMicros;
    await db.transaction().execute(async (other) => {
      await sql`update iot_devices set location = 'elsewhere'`.execute(other);
      await assert.rejects(makeDays(db, until), { code: "55P03" });
    });
    assert.ok((await inTurn(() => makeDays(db, until))).length > 0);
  },
});
