import assert from "node:assert/strict";
import { type Kysely, sql } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { icuDatabase, postgresTest } from "../../../tests/support/each_database.ts";
import { emptyTables } from "../../../tests/support/empty_tables.ts";
import { untilOneWaits, wouldWait } from "../../../tests/support/row_lock.ts";
import { countRows, device, noonSeconds, readingRow } from "../../../tests/support/store_rows.ts";
import type { Database } from "./database.ts";
import { refreshDevices } from "./devices/refresh_devices.ts";
import { writeDevices } from "./devices/write_devices.ts";
import { deleteParked } from "./parked/delete_parked.ts";
import { dropParked } from "./parked/drop_parked.ts";
import { lockParked } from "./parked/lock_parked.ts";
import { releaseParked, retryRefused } from "./parked/release_parked.ts";
import { takeParked } from "./parked/take_parked.ts";
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
    await writeDevices(db, defaultTenant, ids.map((id) => device(id)));
    await takesInOrder(
      db,
      lockDevice,
      () => writeDevices(db, defaultTenant, ids.map((id) => device(id))),
    );
  },

  async "by writeReadings, where they are stored"(db) {
    await writeDevices(db, defaultTenant, ids.map((id) => device(id)));
    await takesInOrder(
      db,
      (id) => insertReading("sensor_readings", id),
      () => writeReadings(db, defaultTenant, ids.map((id) => readingRow(id))),
    );
  },

  async "by writeReadings, where they are parked"(db) {
    await takesInOrder(
      db,
      (id) => insertReading("parked_readings", id),
      () => writeReadings(db, defaultTenant, ids.map((id) => readingRow(id))),
    );
  },

  async "by writeDevices and releaseParked, where they are released"(db) {
    const release = [
      () => writeDevices(db, defaultTenant, ids.map((id) => device(id))),
      () => releaseParked(db, defaultTenant, ids, 100),
    ];
    for (const write of release) {
      await parkKnown(db);
      await takesInOrder(db, (id) => insertReading("sensor_readings", id), write);
      assert.equal(await countRows(db, "parked_readings"), 0);
    }
  },
}, icuDatabase);

/** Leaves readings of known devices parked, and none stored. */
async function parkKnown(db: Kysely<Database>): Promise<void> {
  await emptyTables(db);
  await writeDevices(db, defaultTenant, ids.map((id) => device(id)));
  for (const id of ids) await insertReading("parked_readings", id).execute(db);
}

postgresTest("Who changes or deletes parked readings waits for nobody's rows while others do,", {
  async "but before it has any"(db) {
    await parkKnown(db);
    const none = { deviceId: undefined, olderThanMs: undefined };
    const [key] = ids.map((deviceId) => ({
      tenantId: defaultTenant,
      deviceId,
      micros: noonSeconds * 1_000_000,
      tieBreak: String(readingRow(deviceId).tieBreak),
    }));
    const writers: Readonly<Record<string, (db: Kysely<Database>) => Promise<unknown>>> = {
      releaseParked: (db) => releaseParked(db, defaultTenant, ids, 100),
      writeDevices: (db) => writeDevices(db, defaultTenant, ids.map((id) => device(id))),
      retryRefused,
      takeParked: (db) => takeParked(db, { maxAgeMs: 0, maxReadings: 0 }, 100),
      deleteParked: (db) => deleteParked(db, [key!]),
      dropParked: (db) => dropParked(db, defaultTenant, none, { after: undefined, limit: 1 }),
    };
    for (const [name, write] of Object.entries(writers)) {
      const written = await db.transaction().execute(async (transaction) => {
        await lockParked(transaction);
        const written = write(db);
        await untilOneWaits(db);
        for (const id of ids) {
          assert.equal(await wouldWait(db, lockParkedRow(id)), false, `${name} has taken a row`);
        }
        return { written };
      });
      await written.written;
      await parkKnown(db);
    }
  },
});

const lockParkedRow = (id: string) =>
  sql`select from parked_readings where device_id = ${id} for update`;

postgresTest("Who only parks, or registers devices without parked readings,", {
  async "waits for nobody who releases"(db) {
    await db.transaction().execute(async (transaction) => {
      await lockParked(transaction);
      await db.transaction().execute(async (other) => {
        // Or the test would wait for itself.
        await sql`set local lock_timeout = '10s'`.execute(other);
        const rows = [readingRow("unknown")];
        assert.equal((await writeReadings(other, defaultTenant, rows)).parked, 1);
        assert.equal((await writeDevices(other, defaultTenant, [device("known")])).moved, 0);
      });
    });
  },
});

postgresTest("Readings that are parked come before those that are stored,", {
  async "so that a batch and a release never wait for each other"(db) {
    await writeDevices(db, defaultTenant, [device("known")]);
    const rows = [readingRow("known"), readingRow("unknown")];
    let written: ReturnType<typeof writeReadings> | undefined;
    await db.transaction().execute(async (transaction) => {
      await insertReading("parked_readings", "unknown").execute(transaction);
      written = writeReadings(db, defaultTenant, rows);
      await untilOneWaits(db);
      assert.equal(await wouldWait(db, insertReading("sensor_readings", "known")), false);
    });
    assert.deepEqual(await written, { stored: 1, parked: 0 });
  },
});

postgresTest("Rows of devices are taken in any order by one", {
  async "while nobody takes them in theirs, and the other way round"(db) {
    const devices = ids.map((id) => device(id));
    await writeDevices(db, defaultTenant, devices);
    const seen = new Map(ids.map((id) => [id, undefined]));
    const refresh = (db: Kysely<Database>) => refreshDevices(db, defaultTenant, seen);
    const register = (db: Kysely<Database>) => writeDevices(db, defaultTenant, devices);
    for (const [first, second] of [[refresh, register], [register, refresh]] as const) {
      const written = await db.transaction().execute(async (transaction) => {
        await first(transaction);
        const written = second(db);
        await untilOneWaits(db);
        const { rows } = await sql`select from pg_locks l join pg_stat_activity a using (pid)
          where not l.granted and l.locktype = 'advisory' and a.datname = current_database()`
          .execute(db);
        assert.equal(rows.length, 1);
        return { written };
      });
      await written.written;
    }
  },
});
