import assert from "node:assert/strict";
import { type Kysely, sql } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { compactor } from "../../../../tests/support/compactor.ts";
import { eachDatabase, eachServer } from "../../../../tests/support/each_database.ts";
import { device, noonSeconds, readingRow } from "../../../../tests/support/store_rows.ts";
import type { ReadingRow } from "../../readings/reading_row.ts";
import type { Database } from "../database.ts";
import { writeReadings } from "../readings/write_readings.ts";
import { KnownPaces } from "./known_paces.ts";
import { findDevice } from "./read_devices.ts";
import { refreshDevices } from "./refresh_devices.ts";
import { writeDevices } from "./write_devices.ts";

const at = (deviceId: string, seconds: number) => readingRow(deviceId, { seconds });
const refresh = (db: Kysely<Database>, seen: Readonly<Record<string, ReadingRow | undefined>>) =>
  refreshDevices(db, defaultTenant, new Map(Object.entries(seen)));

async function rowOf(db: Kysely<Database>, id: string) {
  const { rows: [row] } = await sql<Record<string, unknown>>`
    select extract(epoch from last_seen)::float8 as seen,
      extract(epoch from latest_timestamp)::float8 as latest,
      latest_tie_break::text as tie, latest_temperature as temperature, latest_pressure as pressure,
      typical_interval as every, latest_for = last_seen as told
    from iot_devices where device_id = ${id}`.execute(db);
  return { ...row };
}

eachDatabase("refreshDevices", {
  async "moves last_seen forward, and never back"(db) {
    await writeDevices(db, defaultTenant, [device("a"), device("b")]);
    const seconds = async (id: string) =>
      Number((await findDevice(db, defaultTenant, id))?.lastSeen);
    await refresh(db, { a: at("a", noonSeconds + 60), unknown: at("unknown", noonSeconds) });
    assert.deepEqual([await seconds("a"), await seconds("b")], [noonSeconds + 60, noonSeconds]);
    await refresh(db, { a: at("a", noonSeconds + 30) });
    assert.equal(await seconds("a"), noonSeconds + 60);
    await refresh(db, {});
  },

  async "never moves last_seen past now"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    await refresh(db, { a: at("a", Math.floor(Date.now() / 1_000) + 80_000) });
    const { rows: [row] } = await sql<{ past: boolean; today: boolean }>`
      select last_seen > now() as past, last_seen > now() - interval '1 hour' as today
      from iot_devices`.execute(db);
    assert.deepEqual({ ...row }, { past: false, today: true });
  },

  async "leaves alone a device whose own message is ahead of now"(db) {
    const ahead = BigInt(Math.floor(Date.now() / 1_000) + 3_600);
    await writeDevices(db, defaultTenant, [device("a", { lastSeen: ahead })]);
    await refresh(db, { a: at("a", Math.floor(Date.now() / 1_000)) });
    assert.equal((await findDevice(db, defaultTenant, "a"))?.lastSeen, ahead);
  },

  async "tells the newest reading where all are packed, and where one that is late is not"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    await writeReadings(db, defaultTenant, [0, 5, 10].map((past) => at("a", noonSeconds + past)));
    const compaction = compactor(db);
    while (await compaction.step(new AbortController().signal) === "more");
    await refresh(db, { a: undefined });
    const told = { seen: noonSeconds + 10, latest: noonSeconds + 10, every: 5, told: true };
    assert.partialDeepStrictEqual(await rowOf(db, "a"), told);
    await sql`update iot_devices set latest_timestamp = null, latest_for = null`.execute(db);
    await writeReadings(db, defaultTenant, [at("a", noonSeconds - 60)]);
    await refresh(db, { a: undefined });
    assert.partialDeepStrictEqual(await rowOf(db, "a"), told);
  },

  async "goes on telling the newest reading once it is dropped, without a doubt"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    await writeReadings(db, defaultTenant, [0, 5, 10].map((past) => at("a", noonSeconds + past)));
    await refresh(db, { a: undefined });
    const before = await rowOf(db, "a");
    for (const left of [[], [at("a", noonSeconds - 60)]]) {
      await sql`truncate sensor_readings`.execute(db);
      await writeReadings(db, defaultTenant, left);
      // As whoever moves it while the readings are looked up.
      const seen = noonSeconds + 60 * (left.length + 1);
      await sql`update iot_devices set last_seen = to_timestamp(${seen}::float8)`.execute(db);
      assert.equal((await rowOf(db, "a"))["told"], false);
      await refresh(db, { a: undefined });
      assert.deepEqual(await rowOf(db, "a"), { ...before, seen, told: true });
    }
    // What comes then is told in its place.
    await writeReadings(db, defaultTenant, [at("a", noonSeconds + 600)]);
    await refresh(db, { a: undefined });
    assert.equal((await rowOf(db, "a"))["latest"], noonSeconds + 600);
  },

  async "tells the newest reading, all of it, and how often there is one"(db) {
    await writeDevices(db, defaultTenant, [device("a"), device("silent")]);
    const newest = readingRow("a", {
      seconds: noonSeconds + 15,
      nanos: 250_000_007,
      temperature: -3,
    });
    await writeReadings(db, defaultTenant, [
      ...[0, 5, 10].map((at) => readingRow("a", { seconds: noonSeconds + at, nanos: 250_000_000 })),
      newest,
    ]);
    await refresh(db, { a: newest, silent: undefined });
    assert.deepEqual(await rowOf(db, "a"), {
      seen: noonSeconds + 15.25,
      latest: noonSeconds + 15.25,
      tie: String(newest.tieBreak),
      temperature: -3,
      pressure: 1_000,
      every: 5,
      told: true,
    });
    const silent = await rowOf(db, "silent");
    assert.deepEqual([silent["seen"], silent["latest"], silent["told"]], [noonSeconds, null, true]);
  },

  async "finds out when a device was last seen where nobody can say"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    const ahead = Math.floor(Date.now() / 1_000) + 3_600;
    const rows = [ahead, noonSeconds + 7].map((seconds) => readingRow("a", { seconds }));
    await writeReadings(db, defaultTenant, rows);
    await refresh(db, { a: undefined });
    const { seen, latest } = await rowOf(db, "a");
    assert.deepEqual([seen, latest], [noonSeconds + 7, ahead]);
  },

  async "takes what it is given for the newest, where the row is not in doubt"(db) {
    const paces = new KnownPaces();
    const refresh = (...rows: readonly ReadingRow[]) =>
      refreshDevices(db, defaultTenant, new Map(rows.map((row) => [row.deviceId, row])), paces);
    const rows = [0, 5, 10].map((seconds) => at("a", noonSeconds + seconds));
    await writeDevices(db, defaultTenant, [device("a"), device("new")]);
    await writeReadings(db, defaultTenant, rows);
    await refresh(rows[2]!);
    const told = await rowOf(db, "a");
    assert.deepEqual([told["latest"], told["every"]], [noonSeconds + 10, 5]);
    // None of these is stored: whoever looks finds nothing.
    await refresh(at("a", noonSeconds + 20), at("new", noonSeconds + 20));
    const { latest, every, seen } = await rowOf(db, "a");
    assert.deepEqual([latest, every, seen], [noonSeconds + 20, 5, noonSeconds + 20]);
    assert.equal((await rowOf(db, "new"))["latest"], null);
    await refresh(at("a", noonSeconds + 15));
    assert.equal((await rowOf(db, "a"))["latest"], noonSeconds + 20);
    // As the release before does it.
    await sql`update iot_devices set last_seen = to_timestamp(${noonSeconds + 21}::float8)`
      .execute(db);
    await writeReadings(db, defaultTenant, [at("a", noonSeconds + 40)]);
    await refresh(at("a", noonSeconds + 30));
    assert.equal((await rowOf(db, "a"))["latest"], noonSeconds + 40);
  },

  async "leaves a row in doubt that another moves while the readings are looked up"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    // As a release before does it, which tells of no reading.
    const touch = () =>
      sql`update iot_devices set last_seen = to_timestamp(${noonSeconds + 9}::float8)`.execute(db);
    // Once it has looked, and before it writes.
    const paused = new Proxy(db, {
      get(target, name) {
        const value = Reflect.get(target, name);
        if (name !== "transaction") return typeof value === "function" ? value.bind(target) : value;
        return () => ({
          execute: async (work: (transaction: Kysely<Database>) => Promise<unknown>) => {
            await touch();
            return await db.transaction().execute(work);
          },
        });
      },
    });
    await refreshDevices(paused, defaultTenant, new Map([["a", undefined]]));
    assert.equal((await rowOf(db, "a"))["told"], false);
  },

  async "does not undo what another backend told later"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    await writeReadings(db, defaultTenant, [readingRow("a", { seconds: noonSeconds + 5 })]);
    await refresh(db, { a: undefined });
    const told = await rowOf(db, "a");
    await sql`delete from sensor_readings`.execute(db);
    await refresh(db, { a: undefined });
    await writeReadings(db, defaultTenant, [readingRow("a", { seconds: noonSeconds + 4 })]);
    await refresh(db, { a: undefined });
    assert.deepEqual(await rowOf(db, "a"), told);
  },
});

eachServer("refreshDevices from several sessions", {
  async "does not deadlock with itself or with descriptions"(db) {
    const ids = Array.from({ length: 100 }, (_, at) => `d${at}`);
    await writeDevices(db, defaultTenant, ids.map((id) => device(id)));
    const orders = [ids, [...ids].reverse(), [...ids.slice(50), ...ids.slice(0, 50)]];
    await Promise.all(orders.flatMap((ids) => [
      ...[1, 2, 3].map((later) =>
        refreshDevices(
          db,
          defaultTenant,
          new Map(ids.map((id) => [id, at(id, noonSeconds + later)])),
        )
      ),
      writeDevices(db, defaultTenant, ids.map((id) => device(id))),
    ]));
    const { rows } = await sql`select from iot_devices where last_seen <> to_timestamp(${
      noonSeconds + 3
    }::float8)`.execute(db);
    assert.equal(rows.length, 0);
  },
});
