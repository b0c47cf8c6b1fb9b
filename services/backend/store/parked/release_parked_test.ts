import assert from "node:assert/strict";
import { type Kysely, sql } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { eachDatabase, eachServer } from "../../../../tests/support/each_database.ts";
import {
  countRows,
  device,
  noonSeconds,
  readingRow,
} from "../../../../tests/support/store_rows.ts";
import type { Database } from "../database.ts";
import { writeDevices } from "../devices/write_devices.ts";
import { writeReadings } from "../readings/write_readings.ts";
import { knownParked } from "./known_parked.ts";
import { nothingMoved } from "./move_parked.ts";
import { releaseParked } from "./release_parked.ts";

/** Of all devices that are known. */
async function release(db: Kysely<Database>, limit: number) {
  const known = await knownParked(db, undefined, 1_000);
  return await releaseParked(db, defaultTenant, known.map(({ deviceId }) => deviceId), limit);
}

const nothing = { ...nothingMoved, setAside: 0 };

eachDatabase("releaseParked", {
  async "leaves the readings of unknown devices where they are"(db) {
    assert.deepEqual(await release(db, 100), nothing);
    await writeReadings(db, defaultTenant, ["x", "y", "z"].map((id) => readingRow(id)));
    assert.deepEqual(await release(db, 100), nothing);
    assert.equal(await countRows(db, "parked_readings"), 3);
  },

  async "releases at most as many as asked for, until none is left"(db) {
    const ids = ["a", "b", "c", "unknown"];
    await writeReadings(
      db,
      defaultTenant,
      ids.flatMap((id) => [0, 1, 2].map((at) => readingRow(id, { seconds: noonSeconds + at }))),
    );
    // As if all had been parked by sessions that did not see the devices yet.
    await sql`create table kept as select * from parked_readings`.execute(db);
    await sql`truncate parked_readings`.execute(db);
    await writeDevices(db, defaultTenant, ["a", "b", "c"].map((id) => device(id)));
    await sql`insert into parked_readings select * from kept`.execute(db);
    await sql`drop table kept`.execute(db);
    assert.deepEqual(await release(db, 2), {
      moved: 2,
      duplicates: 0,
      setAside: 0,
      deviceIds: ["a"],
    });
    // The rest of one, and all of another.
    const next = await release(db, 5);
    assert.equal(next.moved, 4);
    assert.deepEqual(
      next.deviceIds.toSorted(),
      ["a", "b"],
    );
    assert.equal((await release(db, 4)).moved, 3);
    assert.deepEqual(await release(db, 4), nothing);
    assert.equal(await countRows(db, "sensor_readings"), 9);
    assert.equal(await countRows(db, "parked_readings"), 3);
  },

  async "counts apart what was stored before"(db) {
    const rows = [0, 1, 2].map((at) => readingRow("a", { seconds: noonSeconds + at }));
    await writeReadings(db, defaultTenant, rows.slice(0, 2));
    await sql`create table kept as select * from parked_readings`.execute(db);
    await writeDevices(db, defaultTenant, [device("a")]);
    await writeReadings(db, defaultTenant, rows.slice(2));
    // As if a session that did not see the device yet had parked two again.
    await sql`insert into parked_readings select * from kept`.execute(db);
    await sql`drop table kept`.execute(db);
    assert.deepEqual(await release(db, 100), {
      moved: 2,
      duplicates: 2,
      setAside: 0,
      deviceIds: ["a"],
    });
    assert.equal(await countRows(db, "sensor_readings"), 3);
  },

  async "sets aside readings that the database refuses; they hold up neither device nor reading"(
    db,
  ) {
    await sql`alter table sensor_readings add constraint picky check (temperature <> 66.6)`
      .execute(db);
    try {
      const rows = ["a", "b"].flatMap((id) =>
        Array.from(
          { length: 40 },
          (_, at) =>
            readingRow(id, { seconds: noonSeconds + at, temperature: at % 13 === 5 ? 66.6 : at }),
        )
      );
      await writeReadings(db, defaultTenant, rows);
      assert.deepEqual(
        await writeDevices(db, defaultTenant, ["a", "b"].map((id) => device(id))),
        nothingMoved,
      );
      assert.equal(await countRows(db, "iot_devices"), 2);
      const done = { moved: 0, setAside: 0 };
      for (let more = true; more;) {
        const { moved, setAside } = await release(db, 10_000);
        done.moved += moved;
        done.setAside += setAside;
        more = moved + setAside > 0;
      }
      assert.deepEqual(done, { moved: 74, setAside: 6 });
      assert.equal(await countRows(db, "sensor_readings"), 74);
      const { rows: aside } = await sql<{ temperature: number; refused: string }>`
        select temperature, refused from parked_readings`.execute(db);
      assert.equal(aside.length, 6);
      for (const { temperature, refused } of aside) {
        assert.equal(temperature, 66.6);
        assert.match(refused, /picky/);
      }
    } finally {
      await sql`alter table sensor_readings drop constraint picky`.execute(db);
    }
  },
});

eachDatabase("releaseParked in a transaction", {
  async "sets aside what is refused, and leaves the transaction to go on"(db) {
    await sql`alter table sensor_readings add constraint picky check (temperature <> 66.6)`
      .execute(db);
    try {
      await writeReadings(db, defaultTenant, [
        readingRow("a", { temperature: 66.6 }),
        readingRow("a", { seconds: noonSeconds + 1 }),
      ]);
      await writeDevices(db, defaultTenant, [device("a")]);
      const released = await db.transaction().execute(async (transaction) => {
        const released = await releaseParked(transaction, defaultTenant, ["a"], 100);
        await writeReadings(transaction, defaultTenant, [readingRow("b")]);
        return released;
      });
      assert.deepEqual([released.moved, released.setAside], [1, 1]);
      assert.equal(await countRows(db, "sensor_readings"), 1);
      assert.equal(await countRows(db, "parked_readings"), 2);
    } finally {
      await sql`alter table sensor_readings drop constraint picky`.execute(db);
    }
  },
});

eachServer("releaseParked after a race", {
  async "stores a reading that was parked while its device was being registered"(db) {
    const both = await db.transaction().execute(async (transaction) => {
      // It does not see the device, and the registration does not see it.
      const parked = await writeReadings(transaction, defaultTenant, [readingRow("racing")]);
      const released = await writeDevices(db, defaultTenant, [device("racing")]);
      return { parked, released };
    });
    assert.deepEqual(both, { parked: { stored: 0, parked: 1 }, released: nothingMoved });
    assert.equal(await countRows(db, "sensor_readings"), 0);
    assert.equal((await release(db, 100)).moved, 1);
    assert.equal(await countRows(db, "sensor_readings"), 1);
    assert.equal(await countRows(db, "parked_readings"), 0);
  },

  async "parks what is written while the registration is open, and releases it after"(db) {
    await db.transaction().execute(async (transaction) => {
      await writeDevices(transaction, defaultTenant, [device("racing")]);
      assert.deepEqual(await writeReadings(db, defaultTenant, [readingRow("racing")]), {
        stored: 0,
        parked: 1,
      });
      assert.deepEqual(await release(db, 100), nothing);
    });
    assert.equal((await release(db, 100)).moved, 1);
  },

  async "moves each reading once when several sessions sweep and register"(db) {
    const ids = Array.from({ length: 20 }, (_, at) => `d${at}`);
    const total = 2_000;
    await sql`
      insert into parked_readings
        (device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
      select 'd' || n % 20, timestamptz '2024-03-01' + n * interval '1 s', 0, 20, 50, 1000, 90
      from generate_series(1, ${total}::int) n`.execute(db);
    await sql`
      insert into iot_devices select id, '', '', '', '', 0, 0, now(), now() - interval '1 year'
      from json_array_elements_text(${JSON.stringify(ids)}) id`.execute(db);
    const sweep = async () => {
      let moved = 0;
      for (let found = -1; found !== 0;) moved += found = (await release(db, 150)).moved;
      return moved;
    };
    const register = async () =>
      (await writeDevices(db, defaultTenant, ids.map((id) => device(id)))).moved;
    const moved = await Promise.all([sweep(), register(), sweep(), sweep(), register()]);
    moved.push(await sweep());
    assert.equal(moved.reduce((sum, moved) => sum + moved), total);
    assert.equal(await countRows(db, "sensor_readings"), total);
    assert.equal(await countRows(db, "parked_readings"), 0);
  },
});
