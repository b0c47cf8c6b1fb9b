import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { type Kysely, sql } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { eachDatabase } from "../../../../tests/support/each_database.ts";
import { openDays } from "../../../../tests/support/open_days.ts";
import { device, readingRow } from "../../../../tests/support/store_rows.ts";
import { unpackReadings } from "../../history/unpack_readings.ts";
import type { ReadingRow } from "../../readings/reading_row.ts";
import type { Database } from "../database.ts";
import { writeDevices } from "../devices/write_devices.ts";
import { closeOldest } from "../partitions/close_days.ts";
import { dayMicros, dayOf } from "../partitions/days.ts";
import { listPartitions } from "../partitions/list_partitions.ts";
import { makePartition } from "../partitions/make_partition.ts";
import { writeReadings } from "../readings/write_readings.ts";
import { stageClosed, type StagedStep } from "./stage_closed.ts";

const log = getLogger("stage-test");
const todaySeconds = dayOf(Date.now() * 1_000) / 1_000_000;
const daySeconds = dayMicros / 1_000_000;
const ids = Array.from({ length: 5_000 }, (_, at) => `d${String(at).padStart(4, "0")}`);

/** Packs the day that one device has readings of; how many each step does, the first for all devices. */
async function stage(
  db: Kysely<Database>,
  rows: readonly ReadingRow[],
): Promise<readonly number[]> {
  await writeDevices(db, defaultTenant, ids.map((id) => device(id)));
  await writeReadings(db, defaultTenant, rows);
  const day = dayOf(rows[0]!.micros);
  while (await closeOldest(db, day + dayMicros, { log }) !== undefined);
  const closed = await listPartitions(db, "closed_readings");
  const partition = closed.find(({ fromMicros }) => fromMicros === day)!;
  const steps: StagedStep[] = [];
  for (let devices = ids.length; !steps.at(-1)?.complete; devices = steps.at(-1)!.devices) {
    steps.push(
      await db.transaction().execute((transaction) => stageClosed(transaction, partition, devices)),
    );
  }
  const chunks = await db.selectFrom("staged_history").select(["device_id", "packed"])
    .orderBy("device_id").orderBy("first_at").execute();
  assert(chunks.every(({ device_id }) => device_id === rows[0]!.deviceId));
  const micros = chunks.flatMap(({ packed }) => [...unpackReadings(packed).micros]);
  assert.deepEqual(micros, rows.map(({ micros }) => micros));
  return steps.map(({ readings }) => readings).filter((readings) => readings > 0);
}

eachDatabase("stageClosed", {
  async "leaves to the next steps what is more than fits for so many devices"(db) {
    const rows = Array.from(
      { length: 2_000 },
      (_, at) => readingRow(ids[2_500]!, { seconds: todaySeconds - 4 * daySeconds + at }),
    );
    assert.deepEqual(await stage(db, rows), [799, 1_201]);
  },

  async "packs a microsecond that has more than fits for so many devices"(db) {
    const rows = Array.from(
      { length: 900 },
      (_, at) => readingRow(ids[0]!, { seconds: todaySeconds - 3 * daySeconds, nanos: at }),
    );
    assert.deepEqual(await stage(db, rows), [900]);
  },

  async "packs what was put by hand, of whichever year, into a table that was carried over"(db) {
    const day = todaySeconds * 1_000_000;
    await openDays(db, day, day + dayMicros);
    await sql`drop table sensor_readings_older`.execute(db);
    const before = { name: "sensor_readings_before", fromMicros: -Infinity, untilMicros: day };
    await db.transaction().execute((transaction) =>
      makePartition(transaction, "sensor_readings", before)
    );
    await sql`update reading_progress set open_from = '-infinity'`.execute(db);
    await writeDevices(db, defaultTenant, [device("a")]);
    const years = [1999, 1998, 2001].map((year) => Date.UTC(year, 5, 1, 12) / 1_000);
    await writeReadings(db, defaultTenant, years.map((seconds) => readingRow("a", { seconds })));
    await closeOldest(db, day, { log });
    let complete = false;
    while (!complete) {
      ({ complete } = await db.transaction().execute((transaction) =>
        stageClosed(transaction, before, 10)
      ));
    }
    const { rows } = await sql<{ readonly year: number }>`
      select extract(year from first_at)::int as year from staged_history order by 1`.execute(db);
    assert.deepEqual(rows.map(({ year }) => year), [1998, 1999, 2001]);
  },
});
