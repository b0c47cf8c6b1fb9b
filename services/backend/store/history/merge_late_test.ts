import assert from "node:assert/strict";
import { sql } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { daysAgo, rowsAt } from "../../../../tests/support/days.ts";
import { postgresTest } from "../../../../tests/support/each_database.ts";
import { untilItWaits, untilOneWaits } from "../../../../tests/support/row_lock.ts";
import { device } from "../../../../tests/support/store_rows.ts";
import { writeDevices } from "../devices/write_devices.ts";
import { dayMicros, dayOf } from "../partitions/days.ts";
import { listPartitions } from "../partitions/list_partitions.ts";
import { pageReadings } from "../readings/page_readings.ts";
import { writeReadings } from "../readings/write_readings.ts";
import { type MergedLate, mergeLate } from "./merge_late.ts";

const day = dayOf(daysAgo(50));

postgresTest("mergeLate", {
  async "hides no reading of a month that it makes from who has begun to look for it"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    await writeReadings(db, defaultTenant, rowsAt("a", day - 50 * dayMicros));
    assert.equal((await mergeLate(db, undefined)).merged, 1);
    const [before] = await listPartitions(db, "sensor_history");
    await writeReadings(db, defaultTenant, rowsAt("a", day, 20));
    let reading: Promise<readonly unknown[]> | undefined;
    let merging: Promise<MergedLate> | undefined;
    await db.transaction().execute(async (transaction) => {
      // The reader has looked which months there are when it comes to this index.
      await sql`reindex index ${sql.id(`${before!.name}_pkey`)}`.execute(transaction);
      const page = { deviceId: "a", before: undefined, limit: 100 };
      reading = pageReadings(db, defaultTenant, page);
      await untilOneWaits(db);
      merging = mergeLate(db, undefined);
      await untilItWaits(db, "sensor_history", merging);
    });
    assert.equal((await reading!).length, 21);
    assert.equal((await merging!).merged, 20);
  },
});
