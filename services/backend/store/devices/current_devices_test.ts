import assert from "node:assert/strict";
import { type Kysely, sql } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { compactor } from "../../../../tests/support/compactor.ts";
import { eachDatabase } from "../../../../tests/support/each_database.ts";
import {
  countRows,
  device,
  noonSeconds,
  readingRow,
} from "../../../../tests/support/store_rows.ts";
import { unmarked } from "../../../../tests/support/unmarked.ts";
import type { ReadingRow } from "../../readings/reading_row.ts";
import type { Database } from "../database.ts";
import { dayOf } from "../partitions/days.ts";
import { writeReadings } from "../readings/write_readings.ts";
import { currentDevices } from "./current_devices.ts";
import { LaggingDevices } from "./lagging_devices.ts";
import { refreshDevices } from "./refresh_devices.ts";
import { writeDevices } from "./write_devices.ts";
import { WriterMark } from "./writer_mark.ts";

const all = { after: undefined, limit: 1_000, withLatest: true };

/** One backend's ways, on a database that others share. */
function backend(db: Kysely<Database>, lagging = new LaggingDevices(new WriterMark(db))) {
  return {
    lagging,
    store: (rows: readonly ReadingRow[]) =>
      lagging.during(defaultTenant, rows, () => writeReadings(db, defaultTenant, rows), () => {
        for (const row of rows) lagging.note(defaultTenant, row.deviceId, row);
      }),
    async refresh() {
      for (let part = lagging.next(1_000); part !== undefined; part = lagging.next(1_000)) {
        await lagging.refresh(part, (tenantId, seen) => refreshDevices(db, tenantId, seen));
      }
      await lagging.keepMark({ atEnd: true });
    },
    /** Of each device: when it was last seen, and its newest reading, relative to noon. */
    async list(asked = all) {
      const devices = await currentDevices(db, defaultTenant, lagging, asked);
      return devices.map(({ device, latest }) => [
        device.deviceId,
        Number(device.lastSeen) - noonSeconds,
        latest === undefined ? undefined : Number(latest.reading.timestamp) - noonSeconds,
        latest?.reading.temperature,
      ]);
    },
  };
}

async function register(db: Kysely<Database>, ...ids: readonly string[]): Promise<void> {
  await writeDevices(db, defaultTenant, ids.map((id) => device(id)));
  // As when nothing is behind.
  await refreshDevices(db, defaultTenant, new Map(ids.map((id) => [id, undefined])));
}

eachDatabase("currentDevices", {
  async "tells the newest reading that is packed, while an older one has come late"(db) {
    const own = backend(db);
    await register(db, "a");
    const startOfToday = dayOf(Date.now() * 1_000) / 1_000_000;
    const [newest, late] = [3, 5].map((days) =>
      readingRow("a", { seconds: startOfToday - days * 86_400 + 60 })
    );
    await own.store([newest!]);
    await own.refresh();
    const compaction = compactor(db);
    while (await compaction.step(new AbortController().signal) === "more");
    assert.equal(await countRows(db, "sensor_readings"), 0);
    await writeReadings(db, defaultTenant, [late!]);
    own.lagging.note(defaultTenant, "a", undefined);
    const [[, , seconds] = []] = await own.list();
    assert.equal(seconds, newest!.micros / 1_000_000 - noonSeconds);
  },

  async "tells what was stored before its row does, and then by the row alone"(db) {
    const own = backend(db);
    await register(db, "a", "b");
    assert.deepEqual(await own.list(), [["a", 0, undefined, undefined], [
      "b",
      0,
      undefined,
      undefined,
    ]]);
    await own.store([
      readingRow("a", { seconds: noonSeconds + 5, temperature: 7 }),
      readingRow("a"),
    ]);
    const seen = [["a", 5, 5, 7], ["b", 0, undefined, undefined]];
    assert.deepEqual(await own.list(), seen);
    await own.refresh();
    assert.deepEqual(await own.list(), seen);
    assert.deepEqual(
      (await own.list({ ...all, withLatest: false })).map(([, seconds]) => seconds),
      [5, 0],
    );
    await sql`delete from sensor_readings`.execute(db);
    assert.deepEqual(await own.list(), seen, "no reading is looked up");
  },

  async "tells what another backend stored, which says so by its mark"(db) {
    const [own, other] = [backend(db), backend(db)];
    await register(db, "a", "b");
    await other.store([readingRow("a", { seconds: noonSeconds + 5 })]);
    assert.deepEqual((await own.list())[0], ["a", 5, 5, 20]);
    await own.store([readingRow("b", { seconds: noonSeconds + 6 })]);
    assert.deepEqual((await other.list()).map(([, seconds]) => seconds), [5, 6]);
    await other.refresh();
    await own.refresh();
    const rows = await db.selectFrom("lagging_writers").select("writer_id").execute();
    assert.deepEqual(rows, []);
    await sql`delete from sensor_readings`.execute(db);
    assert.deepEqual((await own.list()).map(([, , newest]) => newest), [5, 6]);
  },

  async "tells what a backend stored that was killed before it told of it"(db) {
    await register(db, "a");
    await backend(db).store([readingRow("a", { seconds: noonSeconds + 5 })]);
    assert.deepEqual(await backend(db).list(), [["a", 5, 5, 20]]);
  },

  async "looks up what a row says that it may not tell, and has it told"(db) {
    // As the release before wrote it: it knows of no newest reading.
    await sql`insert into iot_devices
      (device_id, location, mac_address, ip_address, firmware, latitude, longitude, last_seen, described_at)
      values ('a', '', '', '', '', 0, 0, to_timestamp(${noonSeconds}), to_timestamp(${noonSeconds}))`
      .execute(db);
    await writeReadings(db, defaultTenant, [readingRow("a", { seconds: noonSeconds + 5 })]);
    const own = backend(db, unmarked());
    assert.deepEqual(await own.list(), [["a", 5, 5, 20]]);
    await own.refresh();
    await writeReadings(db, defaultTenant, [readingRow("a", { seconds: noonSeconds + 9 })]);
    await sql`update iot_devices set last_seen = to_timestamp(${noonSeconds + 8})`.execute(db);
    assert.deepEqual(await own.list(), [["a", 9, 9, 20]]);
    await own.refresh();
    await sql`delete from sensor_readings`.execute(db);
    assert.deepEqual(await own.list(), [["a", 9, 9, 20]]);
  },

  async "sees no device at an instant that has not come, and sees it there when it has"(db) {
    const own = backend(db);
    await register(db, "a");
    const ahead = Math.floor(Date.now() / 1_000) + 3_600;
    await own.store([
      readingRow("a", { seconds: ahead }),
      readingRow("a", { seconds: noonSeconds + 5 }),
    ]);
    assert.deepEqual(await own.list(), [["a", 5, ahead - noonSeconds, 20]]);
    await own.refresh();
    const [[, seconds, newest]] = await own.list() as [[string, number, number]];
    assert.equal(newest, ahead - noonSeconds);
    assert.ok(seconds + noonSeconds <= Date.now() / 1_000 && seconds > 5, "it was heard of now");
    await sql`update iot_devices set latest_timestamp = now() - interval '1 minute',
      last_seen = to_timestamp(${noonSeconds}), latest_for = to_timestamp(${noonSeconds})`.execute(
      db,
    );
    const [[, came]] = await own.list() as [[string, number]];
    assert.ok(came > 5);
  },

  async "sees a device at the newest instant that has come, of several that are ahead"(db) {
    const own = backend(db);
    await register(db, "a");
    const ahead = Math.floor(Date.now() / 1_000) + 3_600;
    await own.store([
      readingRow("a", { seconds: ahead }),
      readingRow("a", { seconds: noonSeconds + 5 }),
    ]);
    await own.refresh();
    await sql`update iot_devices set last_seen = to_timestamp(${noonSeconds}::float8),
      latest_for = to_timestamp(${noonSeconds}::float8)`.execute(db);
    assert.deepEqual(await own.list(), [["a", 5, ahead - noonSeconds, 20]]);
  },

  async "shows a tenant its own devices alone"(db) {
    await register(db, "a");
    await sql`insert into tenants values (7, 'other') on conflict do nothing`.execute(db);
    await writeDevices(db, 7, [device("theirs")]);
    assert.deepEqual((await backend(db).list()).map(([id]) => id), ["a"]);
    await sql`delete from iot_devices where tenant_id = 7`.execute(db);
    await sql`delete from tenants where tenant_id = 7`.execute(db);
  },
});
