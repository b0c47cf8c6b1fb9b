import assert from "node:assert/strict";
import { type Kysely, sql } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { compactor } from "../../../../tests/support/compactor.ts";
import { eachServer } from "../../../../tests/support/each_database.ts";
import { keptLog } from "../../../../tests/support/log_lines.ts";
import { openDays } from "../../../../tests/support/open_days.ts";
import { device, readingRow } from "../../../../tests/support/store_rows.ts";
import { inTime, waitUntil } from "../../../../tests/support/wait_until.ts";
import { lockJob } from "../connection/on_one_replica.ts";
import type { Database } from "../database.ts";
import { writeDevices } from "../devices/write_devices.ts";
import { dayMicros, partitionName } from "../partitions/days.ts";
import { makePartition } from "../partitions/make_partition.ts";
import { lockLate } from "../history/late_lock.ts";
import { writeReadings } from "../readings/write_readings.ts";
import { type DropOutcome, dropPart } from "./drop_part.ts";
import { type KeptPart, keptParts } from "./kept_parts.ts";

const firstMicros = Date.UTC(2024, 1, 20) * 1_000;

/** A month of history with one reading, of a day. */
async function packedMonth(db: Kysely<Database>): Promise<KeptPart> {
  await openDays(db, firstMicros, firstMicros + 2 * dayMicros);
  await writeDevices(db, defaultTenant, [device("a")]);
  await writeReadings(db, defaultTenant, [readingRow("a", { seconds: firstMicros / 1_000_000 })]);
  const compaction = compactor(db);
  while (await compaction.step(new AbortController().signal) === "more");
  const part = (await keptParts(db)).find(({ table }) => table === "sensor_history");
  assert(part !== undefined);
  return part;
}

/** What becomes of a drop during which another session holds something, until it has given up once. */
async function dropWhile(
  db: Kysely<Database>,
  part: KeptPart,
  hold: (session: Kysely<Database>) => Promise<unknown>,
): Promise<DropOutcome> {
  const { log, lines } = keptLog();
  let dropping: Promise<DropOutcome> | undefined;
  await db.transaction().execute(async (session) => {
    await hold(session);
    dropping = dropPart(db, part, { log, archived: undefined });
    await waitUntil(
      () => lines.some(({ message }) => message === "Cannot lock tables yet: they are in use"),
      { what: "the drop to give up for a while" },
    );
    assert(
      (await keptParts(session)).some(({ partition }) => partition.name === part.partition.name),
    );
  });
  return await inTime(dropping!, "the drop to go on");
}

eachServer("dropPart", {
  async "gives up for a while where somebody reads, and then goes on"(db) {
    const part = await packedMonth(db);
    const outcome = await dropWhile(
      db,
      part,
      (session) => sql`select count(*) from sensor_history`.execute(session),
    );
    assert.deepEqual(outcome, { is: "dropped", count: 1 });
    assert.deepEqual(await dropPart(db, part, { log: keptLog().log, archived: undefined }), {
      is: "gone",
    });
  },

  async "drops with packed readings what was to be rows of them, where that was interrupted"(db) {
    const part = await packedMonth(db);
    const [name, expanded] = [0, 2].map((days) =>
      partitionName(firstMicros + days * dayMicros, firstMicros + (days + 1) * dayMicros)
    ) as [string, string];
    await sql`create table ${sql.table(name)} (like sensor_readings)`.execute(db);
    const fromMicros = firstMicros + 2 * dayMicros;
    const days = { fromMicros, untilMicros: fromMicros + dayMicros };
    await db.transaction().execute((transaction) =>
      makePartition(transaction, "closed_readings", { name: expanded, ...days })
    );
    await dropPart(db, part, { log: keptLog().log, archived: undefined });
    const { rows: [left] } = await sql`
      select to_regclass(${name})::text as name, to_regclass(${expanded})::text as expanded`
      .execute(db);
    assert.deepEqual(left, { name: null, expanded });
  },

  async "drops nothing under who rolls up, or stores late readings"(db) {
    for (
      const hold of [
        (session: Kysely<Database>) => lockJob(session, "roll_up"),
        (session: Kysely<Database>) => lockLate(session, "together"),
      ]
    ) {
      const part = await packedMonth(db);
      assert.deepEqual(await dropWhile(db, part, hold), { is: "dropped", count: 1 });
    }
  },
});
