import assert from "node:assert/strict";
import { type Kysely, sql } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { assertSameBuckets, bucketsOf } from "../../../../tests/support/bucket_oracle.ts";
import { eachDatabase, postgresTest } from "../../../../tests/support/each_database.ts";
import { untilItWaits, untilOneWaits } from "../../../../tests/support/row_lock.ts";
import { device, noonSeconds, readingRow } from "../../../../tests/support/store_rows.ts";
import { storedBuckets } from "../../../../tests/support/stored_buckets.ts";
import type { Database } from "../database.ts";
import { writeDevices } from "../devices/write_devices.ts";
import { listPartitions } from "../partitions/list_partitions.ts";
import { writeReadings } from "../readings/write_readings.ts";
import type { BucketPoint } from "./bucket_point.ts";
import { countMarks } from "./count_marks.ts";
import { readBuckets } from "./read_buckets.ts";
import { rollMarks, spansOf } from "./roll_marks.ts";
import { hourMicros } from "./rollup_levels.ts";
import { markUntil, rolledUntil, rollupProgress } from "./rollup_progress.ts";
import type { DeviceHour } from "./take_marks.ts";

const noon = noonSeconds * 1_000_000;
const rows = ["a", "b", "c"].flatMap((deviceId) =>
  [0, 1, 3].flatMap((hour) =>
    [0, 1, 2].map((at) =>
      readingRow(deviceId, { seconds: noonSeconds + hour * 3_600 + at, humidity: at })
    )
  )
);

async function roll(
  db: Kysely<Database>,
  after: DeviceHour | undefined,
  limit: number,
): Promise<readonly DeviceHour[]> {
  return await db.transaction().execute(async (transaction) => {
    const progress = await rollupProgress(transaction);
    return await rollMarks(transaction, { after, limit, progress });
  });
}

const hourOf = (deviceId: string, hour: number): DeviceHour => ({
  tenantId: defaultTenant,
  deviceId,
  hourMicros: noon + hour * hourMicros,
});

eachDatabase("rollMarks", {
  async "rolls up the hours that were marked as readings were stored, each once"(db) {
    await writeDevices(db, defaultTenant, ["a", "b", "c"].map((id) => device(id)));
    await markUntil(db, noon + 3 * hourMicros);
    await rolledUntil(db, noon + 3 * hourMicros);
    for (const row of rows) await writeReadings(db, defaultTenant, [row]);
    assert.equal(await countMarks(db, 1_000), 18, "none of an hour that is not rolled up");
    assert.equal(await countMarks(db, 5), 5);
    assert.deepEqual(await roll(db, undefined, 4), [
      hourOf("a", 0),
      hourOf("a", 1),
      hourOf("b", 0),
      hourOf("b", 1),
    ]);
    assert.equal(await countMarks(db, 1_000), 6);
    assert.deepEqual(await roll(db, hourOf("b", 1), 4), [hourOf("c", 0), hourOf("c", 1)]);
    assert.deepEqual(await roll(db, undefined, 4), []);
    for (const deviceId of ["a", "b", "c"]) {
      const untilMicros = noon + 3 * hourMicros;
      const query = { deviceId, fromMicros: noon, untilMicros, bucketSeconds: 3_600 };
      const stored = await storedBuckets(db, "rollups_hour", deviceId);
      assertSameBuckets(stored, bucketsOf(rows, query), deviceId);
    }
  },

  async "leaves marks of hours that are not rolled up yet: part of them may be"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    await markUntil(db, noon + 3 * hourMicros);
    await rolledUntil(db, noon + hourMicros);
    await writeReadings(db, defaultTenant, rows.filter(({ deviceId }) => deviceId === "a"));
    assert.deepEqual(await roll(db, undefined, 4), [hourOf("a", 0)]);
    assert.equal(await countMarks(db, 1_000), 1);
  },

  async "marks what was parked and is released late"(db) {
    await markUntil(db, noon + 3 * hourMicros);
    await rolledUntil(db, noon + 3 * hourMicros);
    await writeReadings(db, defaultTenant, rows);
    assert.equal(await countMarks(db, 1_000), 0, "parked readings are no readings yet");
    await writeDevices(db, defaultTenant, [device("b")]);
    assert.deepEqual(await roll(db, undefined, 4), [hourOf("b", 0), hourOf("b", 1)]);
  },

  async "marks nothing for readings that were there"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    const ofA = rows.filter(({ deviceId }) => deviceId === "a");
    await writeReadings(db, defaultTenant, ofA);
    await markUntil(db, noon + 3 * hourMicros);
    await writeReadings(db, defaultTenant, ofA);
    assert.equal(await countMarks(db, 1_000), 0);
  },

  async "undone, has the marks be as they were"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    await markUntil(db, noon + 3 * hourMicros);
    await rolledUntil(db, noon + 3 * hourMicros);
    await writeReadings(db, defaultTenant, rows.filter(({ deviceId }) => deviceId === "a"));
    await sql`alter table rollups_day add constraint picky check (false)`.execute(db);
    const days = { ...await rollupProgress(db), rolledUntilMicros: noon + 24 * hourMicros };
    try {
      await assert.rejects(
        db.transaction().execute((transaction) =>
          rollMarks(transaction, { after: undefined, limit: 4, progress: days })
        ),
      );
    } finally {
      await sql`alter table rollups_day drop constraint picky`.execute(db);
    }
    assert.equal(await countMarks(db, 1_000), 2);
  },
});

postgresTest("rollMarks beside a reader", {
  async "hides no bucket of a partition that it makes from who has begun to look for it"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    const untilMicros = Math.floor(Date.now() * 1_000 / hourMicros) * hourMicros;
    await markUntil(db, untilMicros);
    await rolledUntil(db, untilMicros);
    await writeReadings(db, defaultTenant, rows.filter(({ deviceId }) => deviceId === "a"));
    const query = {
      deviceId: "a",
      fromMicros: noon,
      untilMicros: untilMicros + 1,
      bucketSeconds: 3_600,
    };
    const today = (await listPartitions(db, "sensor_readings"))
      .find((partition) => partition.untilMicros > untilMicros);
    let reading: Promise<readonly BucketPoint[]> | undefined;
    let rolling: Promise<unknown> | undefined;
    await db.transaction().execute(async (transaction) => {
      // The reader has looked which partitions of rollups there are when it comes to this one.
      await sql`lock table ${sql.table(today!.name)} in access exclusive mode`.execute(transaction);
      reading = readBuckets(db, defaultTenant, query);
      await untilOneWaits(db);
      rolling = roll(db, undefined, 4);
      await untilItWaits(db, "rollups_hour", rolling);
    });
    assertSameBuckets(await reading!, bucketsOf(rows, query), "a");
    await rolling;
    assert.equal(await countMarks(db, 1_000), 0);
  },
});

Deno.test("spansOf joins hours that follow on each other, and devices that have the same", () => {
  const of = (deviceIds: readonly string[], from: number, until: number) => ({
    tenantId: defaultTenant,
    deviceIds,
    fromMicros: noon + from * hourMicros,
    untilMicros: noon + until * hourMicros,
  });
  const hours = [
    ...[0, 1, 2, 4].map((hour) => hourOf("a", hour)),
    ...[0, 1, 2].map((hour) => hourOf("b", hour)),
    hourOf("c", 3),
    { ...hourOf("a", 4), tenantId: 1 },
  ];
  assert.deepEqual(spansOf(hours), [
    of(["a", "b"], 0, 3),
    of(["a"], 4, 5),
    of(["c"], 3, 4),
    { ...of(["a"], 4, 5), tenantId: 1 },
  ]);
});
