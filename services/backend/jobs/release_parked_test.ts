import assert from "node:assert/strict";
import { type Kysely, sql } from "kysely";
import { Registry } from "prom-client";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { eachDatabase, eachServer } from "../../../tests/support/each_database.ts";
import { keptLog } from "../../../tests/support/log_lines.ts";
import { countRows, device, noonSeconds, readingRow } from "../../../tests/support/store_rows.ts";
import { unmarked } from "../../../tests/support/unmarked.ts";
import { createIngestMetrics } from "../ingest/ingest_metrics.ts";
import { onOneReplica } from "../store/connection/on_one_replica.ts";
import type { Database } from "../store/database.ts";
import { writeDevices } from "../store/devices/write_devices.ts";
import { writeReadings } from "../store/readings/write_readings.ts";
import { releaseParkedJob } from "./release_parked.ts";

/** A job on `db`, and what it says of what it does. */
function jobOn(db: Kysely<Database>) {
  const { log, lines } = keptLog();
  const lagging = unmarked();
  const metrics = createIngestMetrics(new Registry());
  const job = releaseParkedJob({
    db,
    intervalMs: 1_000,
    lagging,
    metrics,
    log,
  });
  const counted = async () => {
    const [released, duplicates] = [await metrics.released.get(), await metrics.duplicates.get()];
    return { released: released.values[0]!.value, duplicates: duplicates.values[0]!.value };
  };
  const seen = () => [...lagging.next(1_000)?.seen ?? []];
  return { run: () => job.run(new AbortController().signal), lines, seen, counted };
}

/** Three readings of a device that is known, one of them stored, and one of an unknown device. */
async function parkBehindRegistration(db: Kysely<Database>): Promise<void> {
  const rows = [0, 1, 2].map((at) => readingRow("known", { seconds: noonSeconds + at }));
  await writeReadings(db, defaultTenant, [...rows, readingRow("unknown")]);
  await sql`create temporary table kept as select * from parked_readings`.execute(db);
  await writeDevices(db, defaultTenant, [device("known")]);
  await sql`delete from sensor_readings
    where "timestamp" > to_timestamp(${noonSeconds}::float8)`.execute(db);
  await sql`insert into parked_readings select * from kept where device_id = 'known'`.execute(db);
  await sql`drop table kept`.execute(db);
}

eachDatabase("releaseParkedJob", {
  async "releases what became due while its device was registered, counts it, and is done"(db) {
    // Its session has the temporary table.
    await db.connection().execute(parkBehindRegistration);
    const { run, lines, seen, counted } = jobOn(db);
    assert.equal(await run(), "more");
    assert.deepEqual(await counted(), { released: 3, duplicates: 1 });
    assert.deepEqual(seen(), [["known", undefined]]);
    assert.equal(await countRows(db, "sensor_readings"), 3);
    assert.equal(await countRows(db, "parked_readings"), 1);
    assert.equal(await run(), "done");
    assert.deepEqual(await counted(), { released: 3, duplicates: 1 });
    assert.deepEqual(lines, [
      { level: "info", message: "Released parked readings", fields: { released: 3 } },
    ]);
  },
});

eachDatabase("releaseParkedJob where the database refuses readings", {
  async "sets them aside, and is done when there are no others"(db) {
    await db.connection().execute(parkBehindRegistration);
    await sql`alter table sensor_readings add constraint picky check (temperature <> 20) not valid`
      .execute(db);
    try {
      const { run, counted } = jobOn(db);
      assert.equal(await run(), "more");
      assert.equal(await run(), "done");
      assert.deepEqual(await counted(), { released: 0, duplicates: 0 });
      const aside = await db.selectFrom("parked_readings").select("device_id")
        .where("refused", "is not", null).execute();
      assert.deepEqual(aside, [0, 1, 2].map(() => ({ device_id: "known" })));
    } finally {
      await sql`alter table sensor_readings drop constraint picky`.execute(db);
    }
  },
});

eachServer("releaseParkedJob of two replicas", {
  async "leaves all to the one that is at it"(db) {
    await db.connection().execute(parkBehindRegistration);
    const { run, seen } = jobOn(db);
    await onOneReplica(db, "sweep", async () => assert.equal(await run(), "elsewhere"));
    assert.deepEqual(seen(), []);
    assert.equal(await countRows(db, "parked_readings"), 4);
  },
});
