import assert from "node:assert/strict";
import { type Kysely, sql } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { eachDatabase, eachServer, postgresTest } from "../../../../tests/support/each_database.ts";
import {
  countRows,
  device,
  noonSeconds,
  readingRow,
} from "../../../../tests/support/store_rows.ts";
import type { Database } from "../database.ts";
import { nothingMoved } from "../parked/move_parked.ts";
import { pageReadings } from "../readings/page_readings.ts";
import { writeReadings } from "../readings/write_readings.ts";
import { findDevice, pageDevices } from "./read_devices.ts";
import { writeDevices } from "./write_devices.ts";

/** As the rows tell them. */
async function list(db: Kysely<Database>, after?: string, limit = 1_000) {
  const page = { after, limit, withLatest: false, own: [] };
  return (await pageDevices(db, defaultTenant, page)).rows.map(({ device }) => device);
}

eachDatabase("writeDevices", {
  async "gives back what it was given, coordinates to the bit of a float"(db) {
    const given = [
      device("a", { latitude: Math.fround(47.376887), longitude: Math.fround(8.541694) }),
      device("b", { latitude: -90, longitude: 180, lastSeen: 946_684_800n }),
      device("c", { latitude: Math.fround(1e-40), longitude: Math.fround(-1 / 3) }),
      device("d", { location: "", macAddress: "", ipAddress: "", firmware: "\u0001\u0085\t\n" }),
      device("e", { location: "\u{1d49c}".repeat(255), firmware: `'"\\u0000\\` }),
    ];
    await writeDevices(db, defaultTenant, given);
    const found = await list(db);
    const asFloats = found.map((found) => ({
      ...found,
      latitude: Math.fround(found.latitude),
      longitude: Math.fround(found.longitude),
    }));
    assert.deepEqual(asFloats, given.map((device) => ({ ...device })));
  },

  async "releases what was parked, and counts it"(db) {
    const rows = [0, 1, 2].map((at) => readingRow("new", { seconds: noonSeconds + at }));
    await writeReadings(db, defaultTenant, [...rows, readingRow("other")]);
    assert.deepEqual(await writeDevices(db, defaultTenant, [device("new")]), {
      moved: 3,
      duplicates: 0,
      deviceIds: ["new"],
    });
    assert.equal(await countRows(db, "sensor_readings"), 3);
    assert.equal(await countRows(db, "parked_readings"), 1);
    assert.deepEqual(await writeDevices(db, defaultTenant, [device("new")]), nothingMoved);
  },

  async "passes over parked readings that are stored already"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    await writeReadings(db, defaultTenant, [readingRow("a")]);
    await park(db, "a");
    assert.deepEqual(await writeDevices(db, defaultTenant, [device("a")]), {
      moved: 1,
      duplicates: 1,
      deviceIds: ["a"],
    });
    assert.equal(await countRows(db, "sensor_readings"), 1);
    assert.equal(await countRows(db, "parked_readings"), 0);
  },

  async "holds the newest description, in whatever order they come"(db) {
    const [old, middle, young] = [0, 10, 20].map((later) =>
      device("a", { firmware: `v${later}`, lastSeen: BigInt(noonSeconds + later) })
    );
    const firmware = async () => (await findDevice(db, defaultTenant, "a"))?.firmware;
    await writeDevices(db, defaultTenant, [middle!]);
    await writeDevices(db, defaultTenant, [old!]);
    assert.equal(await firmware(), "v10");
    assert.equal((await findDevice(db, defaultTenant, "a"))?.lastSeen, BigInt(noonSeconds + 10));
    await writeDevices(db, defaultTenant, [young!]);
    assert.equal(await firmware(), "v20");
    await writeDevices(db, defaultTenant, [
      device("a", { firmware: "again", lastSeen: young!.lastSeen }),
    ]);
    assert.equal(await firmware(), "again");
  },

  async "takes a device twice in a batch, and holds the newest, or the last of equals"(db) {
    const at = (later: number, firmware: string) =>
      device("a", { firmware, lastSeen: BigInt(noonSeconds + later) });
    await writeDevices(db, defaultTenant, [at(5, "new"), at(0, "old")]);
    assert.equal((await findDevice(db, defaultTenant, "a"))?.firmware, "new");
    await writeDevices(db, defaultTenant, [at(6, "first"), at(6, "last")]);
    assert.equal((await findDevice(db, defaultTenant, "a"))?.firmware, "last");
    assert.equal(await countRows(db, "iot_devices"), 1);
  },

  async "takes a description that is older than a reading, and keeps last_seen"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    await sql`update iot_devices set last_seen = to_timestamp(${noonSeconds + 3_600}::float8)`
      .execute(db);
    await writeDevices(db, defaultTenant, [
      device("a", { firmware: "new", lastSeen: BigInt(noonSeconds + 60) }),
    ]);
    const found = await findDevice(db, defaultTenant, "a");
    assert.deepEqual([found?.firmware, found?.lastSeen], ["new", BigInt(noonSeconds + 3_600)]);
  },

  async "lists devices in the order of their bytes, in pages that meet"(db) {
    const ids = ["B", "a", "A", "ä", "a-1", "a1", "a 1", "_", "\u{1f321}", "\uff5e", "z"];
    await writeDevices(db, defaultTenant, ids.map((id) => device(id)));
    const bytewise = (a: string, b: string) =>
      new TextDecoder("latin1").decode(new TextEncoder().encode(a)) <
          new TextDecoder("latin1").decode(new TextEncoder().encode(b))
        ? -1
        : 1;
    const listed = (await list(db)).map(({ deviceId }) => deviceId);
    assert.deepEqual(listed, [...ids].sort(bytewise));
    const paged: string[] = [];
    for (let after: string | undefined;; after = paged.at(-1)) {
      const page = await list(db, after, 2);
      paged.push(...page.map(({ deviceId }) => deviceId));
      if (page.length < 2) break;
    }
    assert.deepEqual(paged, listed);
  },

  async "tells as before whether the row is up to date with the readings"(db) {
    const write = (later: number) =>
      writeDevices(
        db,
        defaultTenant,
        ["told", "behind", "new"].map((id) =>
          device(id, { lastSeen: BigInt(noonSeconds + later) })
        ),
      );
    const told = async () => {
      const rows = await db.selectFrom("iot_devices")
        .select(["device_id", sql<boolean>`latest_for is not distinct from last_seen`.as("told")])
        .execute();
      return Object.fromEntries(rows.map(({ device_id, told }) => [device_id, told]));
    };
    await write(0);
    await sql`update iot_devices set latest_for = last_seen,
      last_seen = to_timestamp(${noonSeconds + 1}::float8) where device_id = 'behind'`.execute(db);
    await sql`update iot_devices set latest_for = last_seen where device_id = 'told'`.execute(db);
    const before = { told: true, behind: false, new: false };
    assert.deepEqual(await told(), before);
    for (const later of [0, 10]) {
      await write(later);
      assert.deepEqual(await told(), before);
    }
  },

  async "registers the devices of each tenant apart, and releases their own readings alone"(db) {
    await sql`insert into tenants values (7, 'seven') on conflict do nothing`.execute(db);
    await dropIndexOfReleaseBefore(db);
    await writeReadings(db, 7, [readingRow("a"), readingRow("a", { nanos: 1 })]);
    await writeReadings(db, defaultTenant, [readingRow("a")]);
    assert.equal((await writeDevices(db, defaultTenant, [device("a")])).moved, 1);
    assert.equal((await writeDevices(db, 7, [device("a")])).moved, 2);
    assert.equal(await countRows(db, "iot_devices"), 2);
    assert.equal(await countRows(db, "sensor_readings"), 3);
  },

  async "takes an empty batch"(db) {
    assert.deepEqual(await writeDevices(db, defaultTenant, []), nothingMoved);
  },
});

// Citus writes to shards side by side, in any order: there one of two may have to try again.
postgresTest("writeDevices of the same devices from several sessions", {
  async "registers each device once, releases each reading once, and does not deadlock"(db) {
    // With two unique indexes, who finds a device in the other one alone has to try again.
    await dropIndexOfReleaseBefore(db);
    const ids = Array.from({ length: 50 }, (_, at) => `d${at}`);
    const rows = ids.flatMap((id) =>
      [0, 1, 2, 3].map((at) => readingRow(id, { seconds: noonSeconds + at }))
    );
    await writeReadings(db, defaultTenant, rows);
    const writers = [ids, [...ids].reverse(), [...ids.slice(25), ...ids.slice(0, 25)], ids];
    const released = await Promise.all(writers.map(async (ids) => {
      let count = 0;
      for (let round = 0; round < 5; round++) {
        const found = await writeDevices(
          db,
          defaultTenant,
          ids.map((id) => device(id, { lastSeen: BigInt(noonSeconds + round) })),
        );
        count += found.moved;
      }
      return count;
    }));
    assert.equal(released.reduce((sum, count) => sum + count), rows.length);
    assert.equal(await countRows(db, "sensor_readings"), rows.length);
    assert.equal(await countRows(db, "parked_readings"), 0);
  },
});

eachServer("writeDevices of a device that has many parked readings", {
  async "releases no more at once than fits its time, and leaves the rest to the job"(db) {
    await sql`
      insert into parked_readings
        (device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
      select 'many', timestamptz '2024-03-01' + n * interval '1 s', 0, 20, 50, 1000, 90
      from generate_series(1, 60000) n`.execute(db);
    const first = await writeDevices(db, defaultTenant, [device("many")]);
    assert.equal(first.moved, 50_000);
    assert.equal(await countRows(db, "parked_readings"), 10_000);
    const [oldest] = await pageReadings(db, defaultTenant, {
      deviceId: "many",
      before: undefined,
      limit: 1,
    });
    assert.equal(oldest?.reading.timestamp, BigInt(Date.UTC(2024, 2, 1) / 1_000 + 50_000));
  },
});

async function dropIndexOfReleaseBefore(db: Kysely<Database>): Promise<void> {
  await sql`drop index if exists iot_devices_device_id`.execute(db);
}

/** Parks a reading as a session does that does not see its device. */
async function park(db: Kysely<Database>, deviceId: string): Promise<void> {
  const { micros, tieBreak } = readingRow(deviceId);
  await sql`
    insert into parked_readings
      (device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
    values (${deviceId}, to_timestamp(${micros / 1e6}::float8), ${String(tieBreak)}::bigint,
      20, 50, 1000, 90)`.execute(db);
}
