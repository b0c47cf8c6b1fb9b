import assert from "node:assert/strict";
import { sql } from "kysely";
import { eachDatabase, eachServer } from "../../../../tests/support/each_database.ts";
import { device, noonSeconds } from "../../../../tests/support/store_rows.ts";
import { findDevice } from "./read_devices.ts";
import { touchDevices } from "./touch_devices.ts";
import { writeDevices } from "./write_devices.ts";

const micros = (seconds: number) => seconds * 1_000_000;

eachDatabase("touchDevices", {
  async "moves last_seen forward, and never back"(db) {
    await writeDevices(db, [device("a"), device("b")]);
    const seconds = async (id: string) => Number((await findDevice(db, id))?.lastSeen);
    await touchDevices(db, new Map([["a", micros(noonSeconds + 60)], ["unknown", 1]]));
    assert.deepEqual([await seconds("a"), await seconds("b")], [noonSeconds + 60, noonSeconds]);
    await touchDevices(db, new Map([["a", micros(noonSeconds + 30)]]));
    assert.equal(await seconds("a"), noonSeconds + 60);
    await touchDevices(db, new Map());
  },

  async "never moves last_seen past now"(db) {
    await writeDevices(db, [device("a")]);
    await touchDevices(db, new Map([["a", micros(Date.now() / 1_000 + 80_000)]]));
    const { rows: [row] } = await sql<{ past: boolean; today: boolean }>`
      select last_seen > now() as past, last_seen > now() - interval '1 hour' as today
      from iot_devices`.execute(db);
    assert.deepEqual({ ...row }, { past: false, today: true });
  },

  async "leaves alone a device whose own message is ahead of now"(db) {
    const ahead = BigInt(Math.floor(Date.now() / 1_000) + 3_600);
    await writeDevices(db, [device("a", { lastSeen: ahead })]);
    await touchDevices(db, new Map([["a", Date.now() * 1_000]]));
    assert.equal((await findDevice(db, "a"))?.lastSeen, ahead);
  },
});

eachServer("touchDevices from several sessions", {
  async "does not deadlock with itself or with descriptions"(db) {
    const ids = Array.from({ length: 100 }, (_, at) => `d${at}`);
    await writeDevices(db, ids.map((id) => device(id)));
    const orders = [ids, [...ids].reverse(), [...ids.slice(50), ...ids.slice(0, 50)]];
    await Promise.all(orders.flatMap((ids) => [
      ...[1, 2, 3].map((at) =>
        touchDevices(db, new Map(ids.map((id) => [id, micros(noonSeconds + at)])))
      ),
      writeDevices(db, ids.map((id) => device(id))),
    ]));
    const { rows } = await sql`select from iot_devices where last_seen <> to_timestamp(${
      noonSeconds + 3
    }::float8)`.execute(db);
    assert.equal(rows.length, 0);
  },
});
