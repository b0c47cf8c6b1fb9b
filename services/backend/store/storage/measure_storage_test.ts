import assert from "node:assert/strict";
import { type Kysely, sql } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { compactor } from "../../../../tests/support/compactor.ts";
import { eachDatabase } from "../../../../tests/support/each_database.ts";
import { openDays } from "../../../../tests/support/open_days.ts";
import { device, readingRow } from "../../../../tests/support/store_rows.ts";
import type { Database } from "../database.ts";
import { refreshDevices } from "../devices/refresh_devices.ts";
import { writeDevices } from "../devices/write_devices.ts";
import { dayMicros } from "../partitions/days.ts";
import { writeReadings } from "../readings/write_readings.ts";
import type { RetentionPolicy } from "../retention/retention_policy.ts";
import { measureStorage } from "./measure_storage.ts";

const dayMs = dayMicros / 1_000;
const firstMs = Date.UTC(2024, 1, 25);
const days = 8;

const policy: RetentionPolicy = {
  keptMs: { rows: 100 * dayMs, history: 50 * dayMs, minute: Infinity, hour: 1, day: 1 },
  packs: true,
  expandedMs: Infinity,
};

const measure = (db: Kysely<Database>, atDay: number) =>
  measureStorage(db, { policy, afterMs: 2 * dayMs, nowMs: firstMs + atDay * dayMs });

/** A reading a minute, of an hour of each day. */
async function fill(db: Kysely<Database>): Promise<void> {
  await openDays(db, firstMs * 1_000, (firstMs + days * dayMs) * 1_000);
  await writeDevices(db, defaultTenant, [device("a"), device("b")]);
  for (let day = 0; day < days; day++) {
    const rows = Array.from(
      { length: 60 },
      (_, at) => readingRow("a", { seconds: firstMs / 1_000 + day * 86_400 + 60 + at * 60 }),
    );
    await writeReadings(db, defaultTenant, rows);
  }
  await refreshDevices(db, defaultTenant, new Map([["a", undefined], ["b", undefined]]));
}

eachDatabase("measureStorage", {
  async "tells what is stored as what, and what is next"(db) {
    await fill(db);
    const rows = await measure(db, days);
    const of = (state: typeof rows, kind: string) =>
      state.sizes.find((size) => size.kind === kind)!;
    assert.deepEqual(
      rows.sizes.map(({ kind, partitions }) => [kind, partitions]),
      [
        ["rows", days + 1],
        ["closed", 0],
        ["history", 0],
        ["minute", 0],
        ["hour", 0],
        ["day", 0],
        ["parked", 0],
      ],
    );
    assert(of(rows, "rows").tableBytes >= days * 8_192);
    assert.equal(rows.oldestMicros, firstMs * 1_000 + 60_000_000);
    assert.equal(rows.newestMicros, (firstMs + (days - 1) * dayMs) * 1_000 + 3_600_000_000);
    assert.equal(rows.next?.part.partition.name, "sensor_readings_20240225");
    assert.equal(rows.next.atMs, firstMs + 101 * dayMs);
    assert.equal(rows.due, 0);

    const compaction = compactor(db);
    while (await compaction.step(new AbortController().signal) === "more");
    const packed = await measure(db, days);
    assert.deepEqual([of(packed, "rows").partitions, of(packed, "history").partitions], [2, 2]);
    assert(of(packed, "history").tableBytes > 0);
    assert.equal(packed.oldestMicros, rows.oldestMicros);
    assert.equal(packed.newestMicros, rows.newestMicros);
    assert.deepEqual(packed.compaction, { days: 0, readings: 0 });
    assert.equal(packed.next?.part.partition.name, "sensor_history_202402");
    assert.equal(packed.next.atMs, Date.UTC(2024, 2, 1) + 50 * dayMs);
    const later = await measure(db, 60);
    assert.deepEqual(
      [later.due, later.next?.part.partition.name],
      [1, "sensor_history_202403"],
    );
  },

  async "tells what is to be packed and is not, but for what a person wants as rows"(db) {
    await fill(db);
    await sql`analyze sensor_readings`.execute(db);
    assert.deepEqual((await measure(db, 2.9)).compaction, { days: 0, readings: 0 });
    const { compaction } = await measure(db, 5.5);
    assert.equal(compaction.days, 3);
    assert(compaction.readings >= 180 && compaction.readings < 10_000, `${compaction.readings}`);
    await sql`insert into compacted_days values ('2024-02-26', 0, 0, 0, now(), true)`.execute(db);
    assert.equal((await measure(db, 5.5)).compaction.days, 2);
  },

  async "tells of nothing where nothing is stored"(db) {
    await openDays(db, firstMs * 1_000, (firstMs + dayMs) * 1_000);
    const { oldestMicros, newestMicros, next } = await measure(db, 3);
    assert.deepEqual([oldestMicros, newestMicros, next], [undefined, undefined, undefined]);
  },
});
