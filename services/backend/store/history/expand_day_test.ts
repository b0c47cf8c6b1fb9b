import assert from "node:assert/strict";
import { type Kysely, sql } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { assertSameBuckets, bucketsOf } from "../../../../tests/support/bucket_oracle.ts";
import { compactor } from "../../../../tests/support/compactor.ts";
import { daysAgo, rowsAt } from "../../../../tests/support/days.ts";
import { postgresTest } from "../../../../tests/support/each_database.ts";
import { keptLog } from "../../../../tests/support/log_lines.ts";
import { untilOneWaits } from "../../../../tests/support/row_lock.ts";
import { device } from "../../../../tests/support/store_rows.ts";
import { storedBuckets } from "../../../../tests/support/stored_buckets.ts";
import { waitUntil } from "../../../../tests/support/wait_until.ts";
import type { ReadingRow } from "../../readings/reading_row.ts";
import type { Database } from "../database.ts";
import { writeDevices } from "../devices/write_devices.ts";
import { dayMicros, dayOf, partitionName } from "../partitions/days.ts";
import { listPartitions } from "../partitions/list_partitions.ts";
import { pageReadings } from "../readings/page_readings.ts";
import { writeReadings } from "../readings/write_readings.ts";
import { rollSpan } from "../rollups/roll_span.ts";
import { hourMicros } from "../rollups/rollup_levels.ts";
import { rollupProgress } from "../rollups/rollup_progress.ts";
import { expandDay } from "./expand_day.ts";

const day = dayOf(daysAgo(50));
const context = { log: keptLog().log };

/** Packs readings of a device: some of the day, and one of a month before. */
async function fill(db: Kysely<Database>): Promise<readonly ReadingRow[]> {
  const rows = [...rowsAt("a", day + dayMicros / 2, 20), ...rowsAt("a", day - 50 * dayMicros)];
  await writeDevices(db, defaultTenant, [device("a")]);
  await writeReadings(db, defaultTenant, rows);
  const compaction = compactor(db);
  while (await compaction.step(new AbortController().signal) === "more");
  return rows;
}

/** Rolls up the hour that the day's readings are of. */
async function rollUp(session: Kysely<Database>): Promise<void> {
  const progress = { ...await rollupProgress(session), rolledUntilMicros: Infinity };
  const fromMicros = day + dayMicros / 2;
  const hour = { fromMicros, untilMicros: fromMicros + hourMicros };
  await rollSpan(session, { tenantId: defaultTenant, deviceIds: ["a"], ...hour }, progress);
}

postgresTest("expandDay", {
  async "hides no reading from who has begun to look for it"(db) {
    const rows = await fill(db);
    const [before] = await listPartitions(db, "sensor_history");
    let reading: Promise<readonly unknown[]> | undefined;
    let expanding: Promise<number> | undefined;
    let expanded = false;
    await db.transaction().execute(async (transaction) => {
      // The reader has looked which days are closed when it comes to this month.
      await sql`lock table ${sql.table(before!.name)} in access exclusive mode`
        .execute(transaction);
      const page = { deviceId: "a", before: undefined, limit: 100 };
      reading = pageReadings(db, defaultTenant, page);
      await untilOneWaits(db);
      expanding = expandDay(db, { dayMicros: day, context }).finally(() => expanded = true);
      await waitUntil(async () => expanded || await someWait(db), { what: "it to be expanded" });
    });
    assert.equal((await reading!).length, rows.length);
    assert.equal(await expanding, rows.length - 1);
  },

  async "leaves nothing where it is interrupted, and does all of it after that"(db) {
    const rows = await fill(db);
    const name = partitionName(day, day + dayMicros);
    const stopped = { ...context, signal: AbortSignal.abort(new Error("stopped")) };
    await assert.rejects(expandDay(db, { dayMicros: day, context: stopped }), /^Error: stopped$/);
    const { rows: [left] } = await sql`select to_regclass(${name})::text as name`.execute(db);
    assert.deepEqual(left, { name: null });
    // As one leaves it that is killed.
    await sql`create table ${sql.table(name)} (like sensor_readings)`.execute(db);
    assert.equal(await expandDay(db, { dayMicros: day, context }), rows.length - 1);
  },

  async "hides no reading from who is rolling it up"(db) {
    const rows = await fill(db);
    // Its partitions are made by then, for which it would be kept apart.
    await db.transaction().execute(rollUp);
    const late = rowsAt("a", day + dayMicros / 2 + 1_000_000);
    await writeReadings(db, defaultTenant, late);
    let expanding: Promise<number> | undefined;
    let expanded = false;
    await db.transaction().execute(async (transaction) => {
      await sql`select pg_advisory_xact_lock(hashtextextended('iot-backend roll_up', 0))`
        .execute(transaction);
      let statements = 0;
      // What is late is found among the rows by now, and what is packed is not yet looked for.
      const session = transaction.withPlugin({
        transformQuery: ({ node }) => node,
        async transformResult({ result }) {
          const [found] = result.rows as readonly Record<string, unknown>[];
          if (found?.["readings"] !== undefined && statements++ === 0) {
            expanding = expandDay(db, { dayMicros: day, context })
              .finally(() => expanded = true);
            await waitUntil(async () => expanded || await someWait(db), {
              what: "it to be expanded",
            });
          }
          return result;
        },
      });
      await rollUp(session);
    });
    await expanding;
    const query = { deviceId: "a", fromMicros: day, untilMicros: Infinity, bucketSeconds: 60 };
    assertSameBuckets(
      await storedBuckets(db, "rollups_minute", "a"),
      bucketsOf([...rows, ...late], query),
      "minutes",
    );
  },
});

/** Whether who expands waits for a lock: on the closed days, or for who rolls up. */
async function someWait(db: Kysely<Database>): Promise<boolean> {
  const { rows } = await sql`
    select from pg_locks l join pg_stat_activity a using (pid)
    where not l.granted and a.datname = current_database()
      and (l.relation = 'closed_readings'::regclass or l.locktype = 'advisory')`.execute(db);
  return rows.length > 0;
}
