import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { type Kysely, type KyselyPlugin, sql } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { assertSameBuckets, bucketsOf } from "../../../tests/support/bucket_oracle.ts";
import { eachDatabase, eachServer } from "../../../tests/support/each_database.ts";
import { said } from "../../../tests/support/said.ts";
import { device, readingRow } from "../../../tests/support/store_rows.ts";
import { storedBuckets } from "../../../tests/support/stored_buckets.ts";
import { inTime } from "../../../tests/support/wait_until.ts";
import { rollUpJob, rollUpName } from "../../backend/jobs/roll_up.ts";
import type { ReadingRow } from "../../backend/readings/reading_row.ts";
import { onOneReplica } from "../../backend/store/connection/on_one_replica.ts";
import type { Database } from "../../backend/store/database.ts";
import { writeDevices } from "../../backend/store/devices/write_devices.ts";
import { dayMicros, dayOf, isoDay } from "../../backend/store/partitions/days.ts";
import { writeReadings } from "../../backend/store/readings/write_readings.ts";
import { rebuildRollups } from "./rebuild_rollups.ts";

const context = { log: getLogger("rollups-test"), signal: new AbortController().signal };
const levels = [["rollups_minute", 60], ["rollups_hour", 3_600], ["rollups_day", 86_400]] as const;
const today = dayOf(Date.now() * 1_000);
const day = (ago: number) => today - ago * dayMicros;

/** A reading every half an hour of two devices, from three days ago until noon of yesterday. */
const rows = ["a", "b"].flatMap((deviceId) =>
  Array.from(
    { length: 5 * 24 },
    (_, at) => readingRow(deviceId, { seconds: day(3) / 1e6 + at * 1_800, humidity: at % 100 }),
  )
);

/** Stores the rows and has them rolled up until noon of yesterday. */
async function rollUp(db: Kysely<Database>): Promise<void> {
  await writeDevices(db, defaultTenant, [device("a"), device("b")]);
  await writeReadings(db, defaultTenant, rows);
  const nowMs = () => (day(1) + dayMicros / 2) / 1_000 + 600_000;
  const job = rollUpJob({ db, nowMs, onTurn() {} });
  while (await job.run(context.signal) === "more");
}

/** Tables tell of the rows, as far as they are rolled up, and of nothing else. */
async function assertTold(db: Kysely<Database>, rows: readonly ReadingRow[]): Promise<void> {
  for (const deviceId of ["a", "b"]) {
    for (const [table, bucketSeconds] of levels) {
      const untilMicros = table === "rollups_day" ? day(1) : day(1) + dayMicros / 2;
      const query = { deviceId, fromMicros: day(3), untilMicros, bucketSeconds };
      const stored = await storedBuckets(db, table, deviceId);
      assertSameBuckets(stored, bucketsOf(rows, query), `${table} of ${deviceId}`);
    }
  }
}

const rebuild = (
  db: Kysely<Database>,
  span: { readonly from?: string; readonly to?: string } = {},
) =>
  said((print) => rebuildRollups(db, { from: undefined, to: undefined, ...span }, context, print));

async function spoil(db: Kysely<Database>): Promise<void> {
  await sql`delete from rollups_minute where device_id = 'a'`.execute(db);
  await sql`update rollups_hour set temperature_min = -3`.execute(db);
  await sql`delete from rollups_day`.execute(db);
  await sql`
    insert into rollups_minute
    select tenant_id, readings, starts_at + interval '1 minute', temperature_min, temperature_max,
      temperature_mean, temperature_last, humidity_min, humidity_max, humidity_mean, humidity_last,
      pressure_min, pressure_max, pressure_mean, pressure_last, battery_level_min,
      battery_level_max, battery_level_mean, battery_level_last, device_id
    from rollups_minute where device_id = 'b'`.execute(db);
}

eachDatabase("rollups rebuild", {
  async "makes rollups anew that were lost, wrong or of nothing"(db) {
    await rollUp(db);
    await assertTold(db, rows);
    await spoil(db);
    const rolled = 2 * 5 * 24;
    assert.deepEqual(await rebuild(db), [
      `Rebuilt the rollups of ${isoDay(day(3))} to ${isoDay(day(1))}, of ${rolled} readings.`,
    ]);
    await assertTold(db, rows);
  },

  async "leaves other days than those that are named"(db) {
    await rollUp(db);
    await sql`update rollups_hour set temperature_min = -3`.execute(db);
    const named = isoDay(day(2));
    assert.deepEqual(await rebuild(db, { from: named, to: named }), [
      `Rebuilt the rollups of ${named} to ${named}, of 96 readings.`,
    ]);
    const wrong = await db.selectFrom("rollups_hour")
      .select(sql<string>`(starts_at at time zone 'UTC')::date::text`.as("day")).distinct()
      .where("temperature_min", "=", -3).orderBy("day").execute();
    assert.deepEqual(wrong, [{ day: isoDay(day(3)) }, { day: isoDay(day(1)) }]);
  },

  async "takes away what readings told that are deleted by hand"(db) {
    await rollUp(db);
    await sql`delete from sensor_readings where device_id = 'a'`.execute(db);
    await rebuild(db, { from: isoDay(day(3)) });
    await assertTold(db, rows.filter(({ deviceId }) => deviceId === "b"));
  },

  async "has nothing to do where nothing is rolled up"(db) {
    const nothing = ["There is nothing that is rolled up."];
    assert.deepEqual(await rebuild(db), nothing);
    await rollUp(db);
    assert.deepEqual(await rebuild(db, { from: isoDay(today) }), nothing);
  },

  async "says where to go on when it is stopped"(db) {
    await rollUp(db);
    const stop = new AbortController();
    const stopped = { ...context, signal: stop.signal };
    const lines: string[] = [];
    stop.abort(new Error("stopped"));
    await assert.rejects(
      rebuildRollups(db, { from: undefined, to: undefined }, stopped, (line) => {
        lines.push(line);
        return Promise.resolve();
      }),
      /stopped/,
    );
    assert.deepEqual(lines, [`Stopped at ${isoDay(day(3))}; go on with --from=${isoDay(day(3))}.`]);
  },
});

eachServer("rollups rebuild beside a backend", {
  async "takes turns with it"(db) {
    await rollUp(db);
    await spoil(db);
    const step = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const rolling = onOneReplica(db, rollUpName, async () => {
      begun.resolve();
      await step.promise;
    });
    await begun.promise;
    const refused = Promise.withResolvers<void>();
    const watching: KyselyPlugin = {
      transformQuery: ({ node }) => node,
      transformResult({ result }) {
        if (result.rows[0]?.["locked"] === false) refused.resolve();
        return Promise.resolve(result);
      },
    };
    const rebuilding = rebuild(db.withPlugin(watching));
    await inTime(Promise.race([refused.promise, rebuilding]), "its waiting");
    const { count } = await db.selectFrom("rollups_day")
      .select(sql<number>`count(*)::int`.as("count")).executeTakeFirstOrThrow();
    assert.equal(count, 0, "it did not wait");
    step.resolve();
    await rolling;
    await rebuilding;
    await assertTold(db, rows);
  },
});
