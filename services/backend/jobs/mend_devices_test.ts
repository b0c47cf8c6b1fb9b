import assert from "node:assert/strict";
import { sql } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { eachDatabase } from "../../../tests/support/each_database.ts";
import { keptLog } from "../../../tests/support/log_lines.ts";
import { device, noonSeconds, readingRow } from "../../../tests/support/store_rows.ts";
import { writeDevices } from "../store/devices/write_devices.ts";
import { WriterMark } from "../store/devices/writer_mark.ts";
import { writeReadings } from "../store/readings/write_readings.ts";
import { mendDevicesJob } from "./mend_devices.ts";

const signal = new AbortController().signal;

eachDatabase("mendDevicesJob", {
  async "brings all rows up to date after a backend that is gone, and takes its mark away"(db) {
    const ids = Array.from({ length: 1_500 }, (_, at) => `d${at}`);
    await writeDevices(db, defaultTenant, ids.map((id) => device(id)));
    const { log, lines } = keptLog();
    const job = mendDevicesJob({ db, log });
    const [gone, alive] = [new WriterMark(db), new WriterMark(db)];
    await gone.make();
    await writeReadings(
      db,
      defaultTenant,
      ids.map((id) => readingRow(id, { seconds: noonSeconds + 5 })),
    );
    assert.equal(await job.run(signal), "done");
    assert.equal(lines.length, 0, "it may only be slow");
    await sql`update lagging_writers set renewed_at = now() - interval '1 hour'`.execute(db);
    await alive.make();
    const first = await job.run(signal);
    // It was slow only, and goes on.
    const slow = new WriterMark(db);
    await slow.make();
    const outcomes = [first, await job.run(signal), await job.run(signal)];
    assert.deepEqual(outcomes, ["more", "done", "done"]);
    assert.equal(lines.length, 1);
    const told = await db.selectFrom("iot_devices").select("device_id")
      .where("latest_timestamp", "=", sql<Date>`to_timestamp(${noonSeconds + 5}::float8)`)
      .where("last_seen", "=", sql<Date>`latest_timestamp`).execute();
    assert.equal(told.length, ids.length);
    const marks = await db.selectFrom("lagging_writers").select("writer_id").execute();
    assert.deepEqual(marks.map(({ writer_id }) => writer_id), [...alive.ids, ...slow.ids]);
  },
});
