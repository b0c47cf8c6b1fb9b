import assert from "node:assert/strict";
import { type Kysely, sql } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { daysAgo, rowsAt } from "../../../../tests/support/days.ts";
import { postgresTest } from "../../../../tests/support/each_database.ts";
import { keptLog } from "../../../../tests/support/log_lines.ts";
import { device } from "../../../../tests/support/store_rows.ts";
import { waitUntil } from "../../../../tests/support/wait_until.ts";
import type { Database } from "../database.ts";
import { writeDevices } from "../devices/write_devices.ts";
import { closeOldest } from "../partitions/close_days.ts";
import { dayMicros, dayOf } from "../partitions/days.ts";
import type { Partition } from "../partitions/list_partitions.ts";
import { pageReadings } from "../readings/page_readings.ts";
import { writeReadings } from "../readings/write_readings.ts";
import { nextToPack } from "./next_to_pack.ts";
import { publishStaged } from "./publish_staged.ts";
import { stageClosed } from "./stage_closed.ts";

const readings = 20;

/** A day that is closed by then, and staged. */
async function staged(db: Kysely<Database>, day: number): Promise<Partition> {
  const { log } = keptLog();
  await writeDevices(db, defaultTenant, [device("a")]);
  await writeReadings(db, defaultTenant, rowsAt("a", day, readings));
  while (await closeOldest(db, day + dayMicros, { log }) !== undefined);
  const partition = (await nextToPack(db))!;
  const stage = () => db.transaction().execute((session) => stageClosed(session, partition, 10));
  while (!(await stage()).complete);
  return partition;
}

/** A session of which something else is done once a statement has told a column. */
function whenTold(db: Kysely<Database>, column: string, work: () => Promise<void>) {
  let told = false;
  return db.withPlugin({
    transformQuery: ({ node }) => node,
    async transformResult({ result }) {
      const [row] = result.rows as readonly Record<string, unknown>[];
      if (row?.[column] !== undefined && !told) {
        told = true;
        await work();
      }
      return result;
    },
  });
}

async function packed(db: Kysely<Database>): Promise<number> {
  const page = { deviceId: "a", before: undefined, limit: 1_000 };
  return (await pageReadings(db, defaultTenant, page)).length;
}

postgresTest("publishStaged", {
  async "loses nothing where another one has it packed again meanwhile"(db) {
    const partition = await staged(db, dayOf(daysAgo(4)));
    const { log, lines } = keptLog();
    let again: Promise<unknown> | undefined;
    let over = false;
    const session = whenTold(db, "stretchMicros", async () => {
      await sql`delete from closed_readings where tie_break = (
        select min(tie_break) from closed_readings)`.execute(db);
      again = publishStaged(db, partition, { log }).finally(() => over = true);
      await waitUntil(async () => {
        const { rows } = await sql`
          select from pg_locks l join pg_stat_activity a using (pid)
          where not l.granted and a.datname = current_database()`.execute(db);
        return over || rows.length > 0;
      }, { what: "the other one to have it packed again" });
    });
    await publishStaged(session, partition, { log });
    await again;
    assert.equal(lines.length, 1);
    assert.equal(await packed(db), readings);
  },

  async "tells nobody of a difference where another one publishes meanwhile"(db) {
    const partition = await staged(db, dayOf(daysAgo(3)));
    const { log, lines } = keptLog();
    const session = whenTold(db, "staged", async () => {
      assert.equal((await publishStaged(db, partition, { log }))?.length, 1);
    });
    assert.equal(await publishStaged(session, partition, { log }), undefined);
    assert.deepEqual(lines, []);
    assert.equal(await packed(db), readings);
  },
});
