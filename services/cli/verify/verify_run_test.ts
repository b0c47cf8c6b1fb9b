import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { type Kysely, sql } from "kysely";
import { measures, valuesOf } from "#shared/telemetry/measures.ts";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { compactor } from "../../../tests/support/compactor.ts";
import { eachDatabase } from "../../../tests/support/each_database.ts";
import { device } from "../../../tests/support/store_rows.ts";
import { rollUpJob } from "../../backend/jobs/roll_up.ts";
import { tieBreak } from "../../backend/readings/tie_break.ts";
import { Retainer } from "../../backend/retention/retainer.ts";
import type { Database } from "../../backend/store/database.ts";
import { writeDevices } from "../../backend/store/devices/write_devices.ts";
import { dayMicros, dayOf } from "../../backend/store/partitions/days.ts";
import { writeReadings } from "../../backend/store/readings/write_readings.ts";
import { Fleet, modelVersion } from "../../generator/fleet/fleet.ts";
import type { RunManifest } from "../../generator/run/run_manifest.ts";
import { turnsOf } from "./device_turns.ts";
import type { FoundRollup } from "./rollup_comparison.ts";
import { verifyRun } from "./verify_run.ts";

const signal = new AbortController().signal;
const firstDay = dayOf((Date.now() - 6 * 86_400_000) * 1_000);

/** Two days and a half, that begin and end within an hour and a minute. */
const manifest: RunManifest = {
  model: modelVersion,
  seed: 3,
  devices: 2,
  startUs: firstDay + 9.26 * 3_600_000_000,
  intervalUs: 20_000_000,
  count: 10_800,
  confirmedUntilUs: undefined,
};
const untilUs = manifest.startUs + manifest.count! * manifest.intervalUs;

/** Minutes, hours and days of a device that are within the run. */
const rollupsOfDevice = [60_000_000, 3_600_000_000, dayMicros]
  .map((width) => Math.floor(untilUs / width) - Math.ceil(manifest.startUs / width))
  .reduce((sum, buckets) => sum + buckets, 0);
const allRollups = manifest.devices * rollupsOfDevice;
const allReadings = manifest.devices * manifest.count!;

/** As a backend stores it. */
async function storeRun(db: Kysely<Database>): Promise<void> {
  const fleet = new Fleet(manifest.seed);
  for (let index = 0; index < manifest.devices; index++) {
    const { deviceId } = fleet.device(index, 0);
    await writeDevices(db, defaultTenant, [device(deviceId)]);
    const measuredAt = fleet.sensorsOf(index);
    const { firstUs, intervalUs, count } = turnsOf(manifest, index, untilUs);
    const rows = Array.from({ length: count }, (_, turn) => {
      const micros = firstUs + turn * intervalUs;
      const values = valuesOf(measuredAt(micros));
      return { deviceId, micros, tieBreak: tieBreak(0, values), values };
    });
    while (rows.length > 0) await writeReadings(db, defaultTenant, rows.splice(0, 5_000));
  }
}

async function rollUp(db: Kysely<Database>): Promise<void> {
  const job = rollUpJob({ db, nowMs: () => Date.now(), onTurn() {} });
  while (await job.run(signal) === "more");
}

async function dropDays(db: Kysely<Database>, days: number): Promise<void> {
  const keptMs = Date.now() - (firstDay / 1_000 + days * 86_400_000);
  const retainer = new Retainer({
    db,
    policy: {
      keptMs: { rows: keptMs, history: keptMs, minute: Infinity, hour: Infinity, day: Infinity },
      packs: false,
      expandedMs: Infinity,
    },
    archive: undefined,
    nowMs: () => Promise.resolve(Date.now()),
    log: getLogger("verify-test"),
  });
  while (await retainer.step(signal) !== undefined);
}

async function verify(db: Kysely<Database>) {
  const rollupDifferences: FoundRollup[] = [];
  let told = 0;
  const { readings, rollups } = await verifyRun({
    db,
    tenantId: defaultTenant,
    manifest,
    untilUs,
    signal,
    maxExamples: 1,
    // So that a device has several pages of rows, and of rollups.
    pageRows: 2_000,
    onDifference() {},
    onRollupDifference: (_, found) => rollupDifferences.push(found),
    onDevice() {},
    onProgress: (readings) => told += readings,
  });
  assert.equal(told, allReadings);
  return { readings, rollups, rollupDifferences };
}

const noonSeconds = (firstDay + 1.5 * dayMicros) / 1e6;

/** The first device's buckets of a minute in the midst of the run, or that begin with it. */
const noon = `device_id = (select min(device_id) from iot_devices)
  and starts_at >= to_timestamp(${noonSeconds}) and starts_at < to_timestamp(${noonSeconds + 60})`;

const damage = [
  [`delete from rollups_minute where ${noon}`, "missing", "rollups_minute", undefined],
  [`update rollups_hour set readings = 179 where ${noon}`, "wrong", "rollups_hour", "readings"],
  ...measures.map(({ column }) =>
    [
      `update rollups_minute set ${column}_mean = ${column}_mean * (1 + 1e-10) where ${noon}`,
      "wrong",
      "rollups_minute",
      `${column}_mean`,
    ] as const
  ),
  ...["min", "max", "last"].map((field) =>
    [
      `update rollups_hour set pressure_${field} = pressure_${field} * (1 + 3e-16) where ${noon}`,
      "wrong",
      "rollups_hour",
      `pressure_${field}`,
    ] as const
  ),
  [
    `update rollups_minute set starts_at = to_timestamp(${noonSeconds + 1}) where ${noon}`,
    "unexpected",
    "rollups_minute",
    undefined,
  ],
] as const;

eachDatabase("verifyRun", {
  async "compares rollups of which the database says that they are exact, and finds what is wrong"(
    db,
  ) {
    await storeRun(db);
    const before = await verify(db);
    assert.deepEqual(before.rollups, { matched: 0, missing: 0, wrong: 0, unexpected: 0 });
    assert.equal(before.readings.matched, allReadings);
    await rollUp(db);
    const whole = await verify(db);
    assert.deepEqual(whole.rollups, { matched: allRollups, missing: 0, wrong: 0, unexpected: 0 });
    for (const [statement, difference, table, column] of damage) {
      const sent = async (text: string) => void await sql.raw(text).execute(db);
      await sent(`create table kept as select * from ${table} where ${noon}`);
      await sent(statement);
      const { rollups, rollupDifferences } = await verify(db);
      const found = rollupDifferences.find((found) => found.difference === difference);
      assert.deepEqual([found?.table, found?.detail?.column], [table, column], statement);
      // A minute with another beginning is missing where it was.
      assert.equal(rollupDifferences.length, difference === "unexpected" ? 2 : 1, statement);
      assert.equal(rollups.matched, allRollups - 1, statement);
      await sent(`delete from ${table} where ${noon}`);
      await sent(`insert into ${table} select * from kept`);
      await sent("drop table kept");
    }
    await sql.raw(`update rollups_minute set readings = 7 where ${noon}`).execute(db);
    await sql.raw(`
      insert into rollup_marks (tenant_id, device_id, hour)
      select tenant_id, device_id, starts_at from rollups_hour where ${noon}`).execute(db);
    const marked = await verify(db);
    // That hour's minutes, the hour and its day wait to be rolled up again.
    assert.deepEqual(marked.rollups, {
      matched: allRollups - 62,
      missing: 0,
      wrong: 0,
      unexpected: 0,
    });
  },
  async "proves dropped readings by their rollups, and others in rows and in history"(db) {
    await storeRun(db);
    await rollUp(db);
    await dropDays(db, 1);
    const asRows = await verify(db);
    const { dropped } = asRows.readings;
    assert(dropped > 0);
    const compaction = compactor(db, 3);
    while (await compaction.step(signal) === "more");
    for (const { readings, rollups } of [asRows, await verify(db)]) {
      assert.deepEqual([readings.missing, readings.dropped], [0, dropped]);
      assert.equal(readings.matched, allReadings - dropped);
      assert.deepEqual(rollups, { matched: allRollups, missing: 0, wrong: 0, unexpected: 0 });
    }
    const ofDropped = `starts_at = to_timestamp(${(firstDay + 0.5 * dayMicros) / 1e6})`;
    await sql.raw(`update rollups_hour set readings = 179 where ${ofDropped}`).execute(db);
    assert.equal((await verify(db)).rollups.wrong, manifest.devices);
  },
});
