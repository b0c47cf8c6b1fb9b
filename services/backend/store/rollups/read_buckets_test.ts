import assert from "node:assert/strict";
import { type Kysely, sql } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { assertSameBuckets, bucketsOf } from "../../../../tests/support/bucket_oracle.ts";
import { eachDatabase } from "../../../../tests/support/each_database.ts";
import { device, noonSeconds, readingRow } from "../../../../tests/support/store_rows.ts";
import type { ReadingRow } from "../../readings/reading_row.ts";
import type { Database } from "../database.ts";
import { writeDevices } from "../devices/write_devices.ts";
import { chunksOf } from "../history/history_chunk.ts";
import { insertChunks } from "../history/insert_chunks.ts";
import { makeMonths } from "../history/make_months.ts";
import { columnsOf } from "../../history/columns_of.ts";
import { writeReadings } from "../readings/write_readings.ts";
import { noteDropped } from "../retention/note_dropped.ts";
import { readBuckets } from "./read_buckets.ts";
import { rollSpan } from "./roll_span.ts";
import { hourMicros } from "./rollup_levels.ts";
import { markUntil, rolledUntil, rollupProgress } from "./rollup_progress.ts";

const second = 1_000_000;
const noon = noonSeconds * second;
/** Of six hours from noon on, one every ten seconds. */
const rows = Array.from({ length: 6 * 360 }, (_, at) =>
  readingRow("a", {
    seconds: noonSeconds + at * 10,
    temperature: Math.sin(at) * 20,
    humidity: at % 100,
  }));

/** Has the first five hours be rolled up. */
async function rollUp(db: Kysely<Database>): Promise<void> {
  const untilMicros = noon + 5 * hourMicros;
  await markUntil(db, untilMicros);
  await rolledUntil(db, untilMicros);
  const progress = await rollupProgress(db);
  const span = { tenantId: defaultTenant, deviceIds: ["a"], fromMicros: noon, untilMicros };
  await db.transaction().execute((transaction) => rollSpan(transaction, span, progress));
}

/** Has history hold the rows, in chunks that reach over hours. */
async function pack(db: Kysely<Database>, rows: readonly ReadingRow[]): Promise<void> {
  await makeMonths(db, [noon]);
  await insertChunks(db, "sensor_history", chunksOf(defaultTenant, "a", columnsOf(rows)));
}

async function assertExact(db: Kysely<Database>, rows: readonly ReadingRow[]): Promise<void> {
  for (
    const [fromSeconds, untilSeconds] of [
      [0, 6 * 3_600],
      [-5, 25],
      [35, 55],
      [35, 7_245],
      [1_815, 3_600],
      [3_599, 3_601],
      [15, 4 * 3_600 + 1_815],
      [4 * 3_600 + 15, 6 * 3_600],
      [5 * 3_600 + 15, 10 * 3_600],
      [-86_400, 86_400],
      [100, 100],
      [200, 100],
    ] as const
  ) {
    for (const bucketSeconds of [1, 30, 60, 90, 600, 3_600, 7_200, 86_400]) {
      const query = {
        deviceId: "a",
        fromMicros: noon + fromSeconds * second,
        untilMicros: noon + untilSeconds * second,
        bucketSeconds,
      };
      const found = await readBuckets(db, defaultTenant, query);
      assertSameBuckets(found, bucketsOf(rows, query), JSON.stringify(query));
    }
  }
}

eachDatabase("readBuckets", {
  async "reads what is rolled up as it reads what is not"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    await writeReadings(db, defaultTenant, rows);
    await assertExact(db, rows);
    await rollUp(db);
    await assertExact(db, rows);
  },

  async "reads rollups where these tell it, and no readings"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    await writeReadings(db, defaultTenant, rows);
    await rollUp(db);
    // Nobody marks what goes.
    await sql`truncate sensor_readings`.execute(db);
    for (const bucketSeconds of [60, 600, 3_600]) {
      const untilMicros = noon + 5 * hourMicros;
      const query = { deviceId: "a", fromMicros: noon, untilMicros, bucketSeconds };
      const found = await readBuckets(db, defaultTenant, query);
      assertSameBuckets(found, bucketsOf(rows, query), `${bucketSeconds} s`);
    }
  },

  async "reads hours that readings came late to from the readings"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    await writeReadings(db, defaultTenant, rows);
    await rollUp(db);
    const late = [0, 2, 4].map((hours) =>
      readingRow("a", { seconds: noonSeconds + hours * 3_600 + 1_000, temperature: -80 })
    );
    await writeReadings(db, defaultTenant, late);
    await assertExact(db, [...rows, ...late]);
  },

  async "reads packed readings once, and late ones beside them"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    await pack(db, rows);
    await assertExact(db, rows);
    await rollUp(db);
    await assertExact(db, rows);
    const late = [0, 2, 4].map((hours) =>
      readingRow("a", { seconds: noonSeconds + hours * 3_600 + 1_000, temperature: -80 })
    );
    await writeReadings(db, defaultTenant, late);
    await assertExact(db, [...rows, ...late]);
  },

  async "tells of readings that are gone what the rollups of them do"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    await writeReadings(db, defaultTenant, rows);
    await rollUp(db);
    await sql`truncate sensor_readings`.execute(db);
    await noteDropped(db, [{ fromMicros: noon, untilMicros: noon + 5 * hourMicros }]);
    const back = readingRow("a", { seconds: noonSeconds + 70, temperature: -80 });
    await writeReadings(db, defaultTenant, [back]);
    const query = {
      deviceId: "a",
      fromMicros: noon + 30 * second,
      untilMicros: noon + 2 * hourMicros + 90 * second,
      bucketSeconds: 3_600,
    };
    const whole = { ...query, fromMicros: noon + 60 * second, untilMicros: noon + 7_260 * second };
    const found = await readBuckets(db, defaultTenant, query);
    assertSameBuckets(found, bucketsOf(rows, whole), "whole minutes are left");
    // What no rollup can tell, readings do that came, or were brought back, after that.
    const fine = { ...query, bucketSeconds: 30 };
    assertSameBuckets(await readBuckets(db, defaultTenant, fine), bucketsOf([back], fine), "back");
  },

  async "reads none of another device or tenant"(db) {
    await writeDevices(db, defaultTenant, [device("a"), device("b")]);
    await writeReadings(db, defaultTenant, rows);
    await rollUp(db);
    const query = { fromMicros: noon, untilMicros: noon + 6 * hourMicros, bucketSeconds: 3_600 };
    assert.deepEqual(await readBuckets(db, defaultTenant, { ...query, deviceId: "b" }), []);
    assert.deepEqual(await readBuckets(db, 1, { ...query, deviceId: "a" }), []);
  },
});
