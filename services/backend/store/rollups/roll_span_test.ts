import assert from "node:assert/strict";
import { type Kysely, sql } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { assertSameBuckets, bucketsOf } from "../../../../tests/support/bucket_oracle.ts";
import { eachDatabase } from "../../../../tests/support/each_database.ts";
import { keptLog } from "../../../../tests/support/log_lines.ts";
import { device, noonSeconds, readingRow } from "../../../../tests/support/store_rows.ts";
import { storedBuckets } from "../../../../tests/support/stored_buckets.ts";
import type { ReadingRow } from "../../readings/reading_row.ts";
import type { Database } from "../database.ts";
import { writeDevices } from "../devices/write_devices.ts";
import { nextToPack } from "../history/next_to_pack.ts";
import { publishStaged } from "../history/publish_staged.ts";
import { stageClosed } from "../history/stage_closed.ts";
import { closeOldest } from "../partitions/close_days.ts";
import { dayMicros, dayOf } from "../partitions/days.ts";
import { writeReadings } from "../readings/write_readings.ts";
import { noteDropped } from "../retention/note_dropped.ts";
import { rollSpan } from "./roll_span.ts";
import { hourMicros } from "./rollup_levels.ts";
import { rollupProgress } from "./rollup_progress.ts";

const noon = noonSeconds * 1_000_000;
const levels = [["rollups_minute", 60], ["rollups_hour", 3_600], ["rollups_day", 86_400]] as const;

/** Readings of a device for three hours from `fromMicros` on, which is an hour's beginning. */
function threeHours(deviceId: string, fromMicros: number): readonly ReadingRow[] {
  return Array.from({ length: 3 * 120 }, (_, at) =>
    readingRow(deviceId, {
      seconds: fromMicros / 1_000_000 + at * 30 + at % 7,
      temperature: Math.sin(at) * 20,
      humidity: at % 100,
    }));
}

async function rollAll(
  db: Kysely<Database>,
  deviceIds: readonly string[],
  fromMicros: number,
  rolledUntilMicros = Infinity,
): Promise<number> {
  const untilMicros = fromMicros + 3 * hourMicros;
  return await db.transaction().execute(async (transaction) => {
    const progress = await rollupProgress(transaction);
    const span = { tenantId: defaultTenant, deviceIds, fromMicros, untilMicros };
    return await rollSpan(transaction, span, { ...progress, rolledUntilMicros });
  });
}

/** All tables tell of the rows, and of nothing else. */
async function assertTold(db: Kysely<Database>, rows: readonly ReadingRow[]): Promise<void> {
  for (const deviceId of new Set(rows.map(({ deviceId }) => deviceId))) {
    for (const [table, bucketSeconds] of levels) {
      const query = { deviceId, fromMicros: -Infinity, untilMicros: Infinity, bucketSeconds };
      const stored = await storedBuckets(db, table, deviceId);
      assertSameBuckets(stored, bucketsOf(rows, query), `${table} of ${deviceId}`);
    }
  }
}

eachDatabase("rollSpan", {
  async "tells the minutes, hours and days of the readings that there are"(db) {
    const rows = ["a", "b", "c"].flatMap((id) => threeHours(id, noon));
    await writeDevices(db, defaultTenant, ["a", "b", "c"].map((id) => device(id)));
    await writeReadings(db, defaultTenant, rows);
    assert.equal(await rollAll(db, ["a", "b"], noon), 720);
    assert.deepEqual(await storedBuckets(db, "rollups_minute", "c"), []);
    assert.equal(await rollAll(db, ["a", "b", "c"], noon), 360, "what is the same is left alone");
    await assertTold(db, rows);
    const late = [readingRow("b", { seconds: noonSeconds + 61, temperature: -80 })];
    await writeReadings(db, defaultTenant, late);
    assert.equal(await rollAll(db, ["a", "b", "c"], noon), 3, "one minute is another one");
    await assertTold(db, [...rows, ...late]);
  },

  async "tells of two readings of one instant the last by their tie breaks"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    const rows = Array.from(
      { length: 50 },
      (_, at) =>
        readingRow("a", { seconds: noonSeconds + at % 3, humidity: at, nanos: at % 2 * 7 }),
    );
    await writeReadings(db, defaultTenant, rows);
    await rollAll(db, ["a"], noon);
    await assertTold(db, rows);
  },

  async "tells no day that has not ended"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    await writeReadings(db, defaultTenant, threeHours("a", noon));
    await rollAll(db, ["a"], noon, noon + 3 * hourMicros);
    assert.equal((await storedBuckets(db, "rollups_hour", "a")).length, 3);
    assert.deepEqual(await storedBuckets(db, "rollups_day", "a"), []);
  },

  async "makes hours of the readings where minutes are not kept, and keeps none"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    const rows = threeHours("a", noon);
    await writeReadings(db, defaultTenant, rows);
    const half = new Date((noon + hourMicros) / 1_000);
    await sql`update reading_progress set minutes_dropped_until = ${half}`.execute(db);
    await rollAll(db, ["a"], noon);
    const query = { deviceId: "a", fromMicros: -Infinity, untilMicros: Infinity };
    const [minutes, hours] = ["rollups_minute", "rollups_hour"] as const;
    assertSameBuckets(
      await storedBuckets(db, minutes, "a"),
      bucketsOf(rows, { ...query, fromMicros: noon + hourMicros, bucketSeconds: 60 }),
      minutes,
    );
    assertSameBuckets(
      await storedBuckets(db, hours, "a"),
      bucketsOf(rows, { ...query, bucketSeconds: 3_600 }),
      hours,
    );
  },

  async "leaves rollups of readings that are gone as they are"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    const rows = threeHours("a", noon);
    await writeReadings(db, defaultTenant, rows);
    await rollAll(db, ["a"], noon);
    await sql`truncate sensor_readings`.execute(db);
    await noteDropped(db, [{ fromMicros: dayOf(noon), untilMicros: dayOf(noon) + dayMicros }]);
    await writeReadings(db, defaultTenant, [readingRow("a", { seconds: noonSeconds + 5 })]);
    assert.equal(await rollAll(db, ["a"], noon), 0);
    await assertTold(db, rows);
  },

  async "tells of readings of a day that is kept, where later ones are gone"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    const rows = threeHours("a", noon);
    await writeReadings(db, defaultTenant, rows);
    const nextDay = dayOf(noon) + dayMicros;
    await noteDropped(db, [{ fromMicros: nextDay, untilMicros: nextDay + dayMicros }]);
    assert.equal(await rollAll(db, ["a"], noon), 360);
    await assertTold(db, rows);
  },

  async "tells of readings that are closed, packed, and late to both"(db) {
    const context = { log: keptLog().log };
    const day = dayOf(Date.now() * 1_000) - 7 * dayMicros;
    const noon = day + dayMicros / 2;
    await writeDevices(db, defaultTenant, [device("a"), device("b")]);
    const rows = ["a", "b"].flatMap((id) => threeHours(id, noon));
    await writeReadings(db, defaultTenant, rows);
    await closeOldest(db, day + dayMicros, context);
    assert.equal(await rollAll(db, ["a", "b"], noon), 720);
    await assertTold(db, rows);
    const late = [readingRow("b", { seconds: noon / 1_000_000 + 61, temperature: -80 })];
    await writeReadings(db, defaultTenant, late);
    assert.equal(await rollAll(db, ["a", "b"], noon), 3);
    const partition = (await nextToPack(db))!;
    await db.transaction().execute((transaction) => stageClosed(transaction, partition, 50));
    await db.transaction().execute((transaction) => stageClosed(transaction, partition, 50));
    assert.ok(await publishStaged(db, partition, context));
    await sql`truncate rollups_minute, rollups_hour, rollups_day`.execute(db);
    await rollAll(db, ["a", "b"], noon);
    await assertTold(db, [...rows, ...late]);
    const later = [readingRow("a", { seconds: noon / 1_000_000 + 7_200, temperature: -80 })];
    await writeReadings(db, defaultTenant, later);
    await rollAll(db, ["a", "b"], noon);
    await assertTold(db, [...rows, ...late, ...later]);
  },
});
