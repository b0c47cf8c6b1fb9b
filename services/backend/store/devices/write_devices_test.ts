import assert from "node:assert/strict";
import { sql } from "kysely";
import { eachDatabase, eachServer } from "../../../../tests/support/each_database.ts";
import {
  countRows,
  device,
  noonSeconds,
  readingRow,
} from "../../../../tests/support/store_rows.ts";
import { pageReadings } from "../readings/read_readings.ts";
import { writeReadings } from "../readings/write_readings.ts";
import { findDevice, listDevices } from "./read_devices.ts";
import { writeDevices } from "./write_devices.ts";

const everyone = { after: undefined, limit: undefined };

eachDatabase("writeDevices", {
  async "gives back what it was given, coordinates to the bit of a float"(db) {
    const given = [
      device("a", { latitude: Math.fround(47.376887), longitude: Math.fround(8.541694) }),
      device("b", { latitude: -90, longitude: 180, lastSeen: 946_684_800n }),
      device("c", { latitude: Math.fround(1e-40), longitude: Math.fround(-1 / 3) }),
      device("d", { location: "", macAddress: "", ipAddress: "", firmware: "\u0001\u0085\t\n" }),
      device("e", { location: "\u{1d49c}".repeat(255), firmware: `'"\\u0000\\` }),
    ];
    await writeDevices(db, given);
    const found = await listDevices(db, everyone);
    const asFloats = found.map((found) => ({
      ...found,
      latitude: Math.fround(found.latitude),
      longitude: Math.fround(found.longitude),
    }));
    assert.deepEqual(asFloats, given.map((device) => ({ ...device })));
  },

  async "releases what was parked, and counts it"(db) {
    const rows = [0, 1, 2].map((at) => readingRow("new", { seconds: noonSeconds + at }));
    await writeReadings(db, [...rows, readingRow("other")]);
    assert.deepEqual(await writeDevices(db, [device("new")]), [
      { deviceId: "new", count: 3, stored: 3, newestMicros: (noonSeconds + 2) * 1_000_000 },
    ]);
    assert.equal(await countRows(db, "sensor_readings"), 3);
    assert.equal(await countRows(db, "parked_readings"), 1);
    assert.deepEqual(await writeDevices(db, [device("new")]), []);
  },

  async "passes over parked readings that are stored already"(db) {
    await writeDevices(db, [device("a")]);
    await writeReadings(db, [readingRow("a")]);
    await park(db, "a");
    assert.deepEqual(await writeDevices(db, [device("a")]), [
      { deviceId: "a", count: 1, stored: 0, newestMicros: noonSeconds * 1_000_000 },
    ]);
    assert.equal(await countRows(db, "sensor_readings"), 1);
    assert.equal(await countRows(db, "parked_readings"), 0);
  },

  async "holds the newest description, in whatever order they come"(db) {
    const [old, middle, young] = [0, 10, 20].map((later) =>
      device("a", { firmware: `v${later}`, lastSeen: BigInt(noonSeconds + later) })
    );
    const firmware = async () => (await findDevice(db, "a"))?.firmware;
    await writeDevices(db, [middle!]);
    await writeDevices(db, [old!]);
    assert.equal(await firmware(), "v10");
    assert.equal((await findDevice(db, "a"))?.lastSeen, BigInt(noonSeconds + 10));
    await writeDevices(db, [young!]);
    assert.equal(await firmware(), "v20");
    await writeDevices(db, [device("a", { firmware: "again", lastSeen: young!.lastSeen })]);
    assert.equal(await firmware(), "again");
  },

  async "takes a device twice in a batch, and holds the newest, or the last of equals"(db) {
    const at = (later: number, firmware: string) =>
      device("a", { firmware, lastSeen: BigInt(noonSeconds + later) });
    await writeDevices(db, [at(5, "new"), at(0, "old")]);
    assert.equal((await findDevice(db, "a"))?.firmware, "new");
    await writeDevices(db, [at(6, "first"), at(6, "last")]);
    assert.equal((await findDevice(db, "a"))?.firmware, "last");
    assert.equal(await countRows(db, "iot_devices"), 1);
  },

  async "takes a description that is older than a reading, and keeps last_seen"(db) {
    await writeDevices(db, [device("a")]);
    await sql`update iot_devices set last_seen = last_seen + interval '1 hour'`.execute(db);
    await writeDevices(db, [
      device("a", { firmware: "new", lastSeen: BigInt(noonSeconds + 60) }),
    ]);
    const found = await findDevice(db, "a");
    assert.deepEqual([found?.firmware, found?.lastSeen], ["new", BigInt(noonSeconds + 3_600)]);
  },

  async "lists devices in the order of their bytes, in pages that meet"(db) {
    const ids = ["B", "a", "A", "ä", "a-1", "a1", "a 1", "_", "\u{1f321}", "\uff5e", "z"];
    await writeDevices(db, ids.map((id) => device(id)));
    const bytewise = (a: string, b: string) =>
      new TextDecoder("latin1").decode(new TextEncoder().encode(a)) <
          new TextDecoder("latin1").decode(new TextEncoder().encode(b))
        ? -1
        : 1;
    const listed = (await listDevices(db, everyone)).map(({ deviceId }) => deviceId);
    assert.deepEqual(listed, [...ids].sort(bytewise));
    const paged: string[] = [];
    for (let after: string | undefined;; after = paged.at(-1)) {
      const page = await listDevices(db, { after, limit: 2 });
      paged.push(...page.map(({ deviceId }) => deviceId));
      if (page.length < 2) break;
    }
    assert.deepEqual(paged, listed);
  },

  async "takes an empty batch"(db) {
    assert.deepEqual(await writeDevices(db, []), []);
  },
});

eachServer("writeDevices from several sessions", {
  async "registers each device once, releases each reading once, and does not deadlock"(db) {
    const ids = Array.from({ length: 50 }, (_, at) => `d${at}`);
    const rows = ids.flatMap((id) =>
      [0, 1, 2, 3].map((at) => readingRow(id, { seconds: noonSeconds + at }))
    );
    await writeReadings(db, rows);
    const writers = [ids, [...ids].reverse(), [...ids.slice(25), ...ids.slice(0, 25)], ids];
    const released = await Promise.all(writers.map(async (ids) => {
      let count = 0;
      for (let round = 0; round < 5; round++) {
        const found = await writeDevices(
          db,
          ids.map((id) => device(id, { lastSeen: BigInt(noonSeconds + round) })),
        );
        count += found.reduce((sum, { count }) => sum + count, 0);
      }
      return count;
    }));
    assert.equal(released.reduce((sum, count) => sum + count), rows.length);
    assert.equal(await countRows(db, "sensor_readings"), rows.length);
    assert.equal(await countRows(db, "parked_readings"), 0);
  },

  async "releases no more at once than fits its time, and leaves the rest to the job"(db) {
    await sql`
      insert into parked_readings
        (device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
      select 'many', timestamptz '2024-03-01' + n * interval '1 s', 0, 20, 50, 1000, 90
      from generate_series(1, 60000) n`.execute(db);
    const [first] = await writeDevices(db, [device("many")]);
    assert.equal(first?.count, 50_000);
    assert.equal(await countRows(db, "parked_readings"), 10_000);
    const [oldest] = await pageReadings(db, { deviceId: "many", before: undefined, limit: 1 });
    assert.equal(oldest?.position.micros, first?.newestMicros);
  },
});

/** Parks a reading as a session does that does not see its device. */
async function park(db: Parameters<typeof writeReadings>[0], deviceId: string): Promise<void> {
  const { micros, tieBreak } = readingRow(deviceId);
  await sql`
    insert into parked_readings
      (device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
    values (${deviceId}, to_timestamp(${micros / 1e6}::float8), ${String(tieBreak)}::bigint,
      20, 50, 1000, 90)`.execute(db);
}
