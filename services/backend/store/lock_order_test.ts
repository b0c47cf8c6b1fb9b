import assert from "node:assert/strict";
import { type Kysely, sql } from "kysely";
import { icuDatabase, postgresTest } from "../../../tests/support/each_database.ts";
import { untilOneWaits, wouldWait } from "../../../tests/support/row_lock.ts";
import { device, noonSeconds, readingRow } from "../../../tests/support/store_rows.ts";
import type { Database } from "./database.ts";
import { touchDevices } from "./devices/touch_devices.ts";
import { writeDevices } from "./devices/write_devices.ts";
import { releaseParked } from "./parked/release_parked.ts";
import { measureColumns } from "./readings/measure_columns.ts";
import { writeReadings } from "./readings/write_readings.ts";

// In bytes, "B" comes before "a"; by the rules of any language, after it.
const ids = ["a", "B"];
const lockDevice = (id: string) =>
  sql`select from iot_devices where device_id = ${id} for no key update`;
const insertReading = (table: "sensor_readings" | "parked_readings", id: string) => {
  const { tieBreak, values } = readingRow(id);
  return sql`insert into ${sql.table(table)}
    (device_id, "timestamp", tie_break, ${measureColumns})
    values (${id}, to_timestamp(${noonSeconds}::float8), ${String(tieBreak)}::bigint,
      ${sql.join(values)}) on conflict do nothing`;
};

/** Asserts that `write`, when it has to wait for the row of "a", has taken that of "B" already. */
async function takesInOrder(
  db: Kysely<Database>,
  takeRow: (id: string) => ReturnType<typeof sql>,
  write: () => Promise<unknown>,
): Promise<void> {
  const undone = new Error("undone");
  let written: Promise<unknown> | undefined;
  await assert.rejects(
    db.transaction().execute(async (transaction) => {
      await takeRow("a").execute(transaction);
      written = write();
      await untilOneWaits(db);
      assert.ok(await wouldWait(db, takeRow("B")), "the row that comes first is not taken yet");
      throw undone;
    }),
    (error) => error === undone,
  );
  await written;
}

postgresTest("Rows are taken in the order of their bytes, in a database of another order,", {
  async "by writeDevices"(db) {
    await writeDevices(db, ids.map((id) => device(id)));
    await takesInOrder(db, lockDevice, () => writeDevices(db, ids.map((id) => device(id))));
  },

  async "by touchDevices"(db) {
    await writeDevices(db, ids.map((id) => device(id)));
    const seen = new Map(ids.map((id) => [id, (noonSeconds + 5) * 1e6]));
    await takesInOrder(db, lockDevice, () => touchDevices(db, seen));
  },

  async "by writeReadings, where they are stored"(db) {
    await writeDevices(db, ids.map((id) => device(id)));
    await takesInOrder(
      db,
      (id) => insertReading("sensor_readings", id),
      () => writeReadings(db, ids.map((id) => readingRow(id))),
    );
  },

  async "by writeReadings, where they are parked"(db) {
    await takesInOrder(
      db,
      (id) => insertReading("parked_readings", id),
      () => writeReadings(db, ids.map((id) => readingRow(id))),
    );
  },

  async "by releaseParked"(db) {
    await sql`insert into iot_devices select id, '', '', '', '', 0, 0, now(), now()
      from unnest(array['a', 'B']) id`.execute(db);
    for (const id of ids) await insertReading("parked_readings", id).execute(db);
    await takesInOrder(
      db,
      (id) => insertReading("sensor_readings", id),
      () => releaseParked(db, 100),
    );
  },
}, icuDatabase);

postgresTest("Readings that are parked come before those that are stored,", {
  async "so that a batch and a release never wait for each other"(db) {
    await writeDevices(db, [device("known")]);
    const rows = [readingRow("known"), readingRow("unknown")];
    let written: ReturnType<typeof writeReadings> | undefined;
    await db.transaction().execute(async (transaction) => {
      await insertReading("parked_readings", "unknown").execute(transaction);
      written = writeReadings(db, rows);
      await untilOneWaits(db);
      assert.equal(await wouldWait(db, insertReading("sensor_readings", "known")), false);
    });
    assert.deepEqual(await written, { stored: 1, parked: 0 });
  },

  async "and what one session moves or deletes, another passes over"(db) {
    await sql`insert into iot_devices select id, '', '', '', '', 0, 0, now(), now()
      from unnest(array['a', 'B']) id`.execute(db);
    for (const id of ids) await insertReading("parked_readings", id).execute(db);
    await db.transaction().execute(async (transaction) => {
      await sql`delete from parked_readings where device_id = 'B'`.execute(transaction);
      const released = await releaseParked(db, 100);
      assert.deepEqual(released.map(({ deviceId }) => deviceId), ["a"]);
    });
  },
});
