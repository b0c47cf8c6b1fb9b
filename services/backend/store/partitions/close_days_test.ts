import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { type Kysely, sql } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { citusUrl } from "../../../../tests/support/citus.ts";
import { databaseConfig } from "../../../../tests/support/database_config.ts";
import {
  areContiguous,
  daysAgo,
  loseDays,
  openDays,
  placesOf,
  rowsAt,
} from "../../../../tests/support/days.ts";
import { eachDatabase, eachServer, postgresTest } from "../../../../tests/support/each_database.ts";
import { keptLog } from "../../../../tests/support/log_lines.ts";
import { postgresUrl } from "../../../../tests/support/postgres.ts";
import { device } from "../../../../tests/support/store_rows.ts";
import { waitUntil } from "../../../../tests/support/wait_until.ts";
import { openDatabase } from "../connection/open_database.ts";
import { sqlState } from "../connection/write_failure.ts";
import type { Database } from "../database.ts";
import { writeDevices } from "../devices/write_devices.ts";
import { releaseParked } from "../parked/release_parked.ts";
import { writeReadings } from "../readings/write_readings.ts";
import { closeOldest } from "./close_days.ts";
import { dayBound, dayMicros } from "./days.ts";
import { listPartitions, type Partition } from "./list_partitions.ts";
import { makeDays } from "./make_days.ts";

const log = getLogger("close-days-test");

const ids = ["a", "b", "c"];

/** As many open days as that, of devices that are known. */
async function prepare(db: Kysely<Database>, days: number): Promise<readonly Partition[]> {
  await loseDays(db, daysAgo(days));
  await makeDays(db, daysAgo(0));
  await writeDevices(db, defaultTenant, ids.map((id) => device(id)));
  return await openDays(db);
}

const write = async (db: Kysely<Database>, rows: Parameters<typeof writeReadings>[2]) =>
  (await writeReadings(db, defaultTenant, rows)).stored;

async function openFrom(db: Kysely<Database>): Promise<number> {
  const { micros } = await db.selectFrom("reading_progress")
    .select(sql<number>`(extract(epoch from open_from) * 1000000)::float8`.as("micros"))
    .executeTakeFirstOrThrow();
  return micros;
}

async function checksOf(db: Kysely<Database>, table: string): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`
    select conname::text as name from pg_constraint
    where conrelid = to_regclass(${table}) and contype = 'c'`.execute(db);
  return rows.map(({ name }) => name);
}

async function urlOf(db: Kysely<Database>): Promise<string> {
  const { rows: [row] } = await sql<{ name: string; port: number }>`
    select current_database()::text as name, inet_server_port() as port`.execute(db);
  const servers = [postgresUrl, citusUrl].flatMap((url) => url === undefined ? [] : [new URL(url)]);
  const url = servers.find(({ port }) => Number(port || "5432") === row!.port)!;
  url.pathname = `/${row!.name}`;
  return url.href;
}

/** Rows that were read of a table one after the other. */
async function rowsRead(db: Kysely<Database>, table: string): Promise<number> {
  const { rows: [row] } = await sql<{ rows: number }>`
    select pg_stat_get_tuples_returned(to_regclass(${table}))::int as rows`.execute(db);
  return row!.rows;
}

eachDatabase("closeOldest", {
  async "moves the readings of the oldest open day, and no others"(db) {
    const [first, second] = await prepare(db, 3);
    await write(db, [
      ...rowsAt("a", first!.fromMicros, 3),
      ...rowsAt("b", second!.fromMicros - 2, 2),
      ...rowsAt("c", second!.fromMicros, 4),
    ]);
    assert.deepEqual(await closeOldest(db, first!.untilMicros, { log }), first);
    assert.deepEqual(await placesOf(db), { closed: 5, older: 0, open: 4 });
    const partitions = await listPartitions(db, "sensor_readings");
    assert.ok(areContiguous(partitions));
    assert.equal(partitions[0]!.untilMicros, first!.untilMicros);
    assert.deepEqual(await listPartitions(db, "closed_readings"), [first]);
    assert.equal(await openFrom(db), first!.untilMicros);
    assert.deepEqual(await checksOf(db, "sensor_readings_older"), []);
  },

  async "leaves days that are not old enough, and the newest one"(db) {
    const days = await prepare(db, 3);
    assert.equal(await closeOldest(db, days[0]!.untilMicros - 1, { log }), undefined);
    const closed = [];
    for (let day; (day = await closeOldest(db, Infinity, { log })) !== undefined;) closed.push(day);
    assert.deepEqual(closed, days.slice(0, -1));
    assert.deepEqual(await openDays(db), days.slice(-1));
  },

  async "drops a day that is empty"(db) {
    const [first] = await prepare(db, 2);
    await closeOldest(db, first!.untilMicros, { log });
    assert.deepEqual(await listPartitions(db, "closed_readings"), []);
    const { rows } = await sql`select from pg_class where relname = ${first!.name}`.execute(db);
    assert.equal(rows.length, 0);
    assert.equal(await openFrom(db), first!.untilMicros);
  },

  async "keeps readings that come again, and takes late ones"(db) {
    const [first, second] = await prepare(db, 3);
    const rows = rowsAt("a", first!.fromMicros, 5);
    const [late, open] = [rowsAt("a", first!.fromMicros + 100), rowsAt("b", second!.fromMicros)];
    assert.equal(await write(db, [...rows, ...open]), 6);
    await closeOldest(db, first!.untilMicros, { log });
    assert.equal(await write(db, [...rows, ...late, ...open]), 1);
    assert.equal(await write(db, [...rows, ...late]), 0);
    assert.deepEqual(await placesOf(db), { closed: 5, older: 1, open: 1 });
    // They stay where they are when the next day is closed.
    await closeOldest(db, second!.untilMicros, { log });
    assert.equal(await write(db, [...rows, ...late, ...open]), 0);
    assert.deepEqual(await placesOf(db), { closed: 6, older: 1, open: 0 });
  },

  async "releases parked readings of closed days, unless these have them"(db) {
    const [first] = await prepare(db, 2);
    const rows = rowsAt("x", first!.fromMicros, 4);
    await write(db, rows);
    await sql`create table kept as select * from parked_readings`.execute(db);
    await writeDevices(db, defaultTenant, [device("x")]);
    assert.deepEqual(await placesOf(db), { closed: 0, older: 0, open: 4 });
    await closeOldest(db, first!.untilMicros, { log });
    await sql`insert into parked_readings select * from kept`.execute(db);
    await sql`drop table kept`.execute(db);
    const { moved, duplicates } = await releaseParked(db, defaultTenant, ["x"], 100);
    assert.deepEqual({ moved, duplicates }, { moved: 4, duplicates: 4 });

    await write(db, rowsAt("y", first!.fromMicros, 4));
    assert.equal((await writeDevices(db, defaultTenant, [device("y")])).moved, 4);
    assert.deepEqual(await placesOf(db), { closed: 4, older: 4, open: 0 });
  },

  async "goes on where it was interrupted"(db) {
    for (const valid of [false, true]) {
      const [first] = await prepare(db, 2);
      await write(db, rowsAt("a", first!.fromMicros));
      const name = "sensor_readings_older_before_" +
        new Date(first!.untilMicros / 1_000).toISOString().slice(0, 10).replaceAll("-", "");
      await sql`
        alter table sensor_readings_older add constraint ${sql.id(name)}
          check ("timestamp" < ${dayBound(first!.untilMicros)}) ${valid ? sql`` : sql`not valid`}`
        .execute(db);
      assert.deepEqual(await closeOldest(db, first!.untilMicros, { log }), first);
      assert.deepEqual(await checksOf(db, "sensor_readings_older"), []);
      await sql`truncate sensor_readings, closed_readings`.execute(db);
    }
  },
});

eachServer("closeOldest beside others", {
  async "neither doubles nor loses what is written to that very day, or comes again"(db) {
    const days = (await prepare(db, 8)).slice(0, -1);
    let closing = true;
    let deadlocks = 0;
    const sent = new Set<string>();
    const write = async (id: string) => {
      for (let round = 0; closing; round++) {
        const rows = days.flatMap(({ fromMicros }) => rowsAt(id, fromMicros + 10 * round, 4));
        // The second time as a queue does that has lost the acknowledgement of the first.
        for (let left = 2; left > 0;) {
          try {
            await writeReadings(db, defaultTenant, rows);
            left--;
          } catch (error) {
            // What a writer tries again.
            assert.equal(sqlState(error), "40P01", String(error));
            deadlocks++;
          }
        }
        for (const { deviceId, micros } of rows) sent.add(`${deviceId} ${micros}`);
      }
    };
    const writers = ids.flatMap((id) => [write(id), write(id)]);
    try {
      for (const day of days) {
        const before = sent.size;
        await waitUntil(() => sent.size > before + 100, { what: "the writers to be at it" });
        assert.deepEqual(await closeOldest(db, day.untilMicros, { log }), day);
      }
    } finally {
      closing = false;
      await Promise.all(writers);
    }
    const places = await placesOf(db);
    assert.ok(places.closed > 0 && places.older > 0, JSON.stringify(places));
    assert.equal(places.closed + places.older, sent.size, `${deadlocks} deadlocks`);
  },

  async "closes each day once where several are at it, whatever their settings"(db) {
    const days = await prepare(db, 6);
    await write(db, days.flatMap(({ fromMicros }) => rowsAt("a", fromMicros, 10)));
    const closeAll = async (untilMicros: number) => {
      const closed: string[] = [];
      for (let day; (day = await closeOldest(db, untilMicros, { log })) !== undefined;) {
        closed.push(day.name);
      }
      return closed;
    };
    const [last, middle] = [days.at(-2)!, days.at(-4)!];
    const closed = await Promise.all([
      closeAll(last.untilMicros),
      closeAll(middle.untilMicros),
      closeAll(last.untilMicros),
    ]);
    const names = days.slice(0, -1).map(({ name }) => name);
    assert.deepEqual(closed.flat().toSorted(), names);
    assert.deepEqual((await listPartitions(db, "closed_readings")).map(({ name }) => name), names);
    assert.ok(areContiguous(await listPartitions(db, "sensor_readings")));
    assert.deepEqual(await checksOf(db, "sensor_readings_older"), []);
    assert.deepEqual(await placesOf(db), { closed: 10 * names.length, older: 0, open: 10 });
  },

  async "refuses no reading where another has closed the day that it was about to close"(db) {
    const [first, second] = await prepare(db, 4);
    await write(db, rowsAt("a", first!.fromMicros));
    await using slow = await openDatabase(databaseConfig(await urlOf(db), 1), log);
    // Of one session, somebody else has it once the day has been found.
    const closing = closeOldest(slow.db, first!.untilMicros, { log });
    await slow.db.transaction().execute(async () => {
      assert.deepEqual(await closeOldest(db, Infinity, { log }), first);
      assert.deepEqual(await closeOldest(db, Infinity, { log }), second);
    });
    assert.equal(await closing, undefined);
    assert.deepEqual(await checksOf(db, "sensor_readings_older"), []);
    assert.equal(await write(db, rowsAt("a", second!.fromMicros)), 1);
  },

  async "keeps away from tables that a reader stays in, and writers go on"(db) {
    const [first] = await prepare(db, 2);
    await write(db, rowsAt("a", first!.fromMicros));
    const kept = keptLog();
    let written = 0;
    const closing = await db.transaction().execute(async (reader) => {
      const { rows: [session] } = await sql<{ pid: number }>`
        select pg_backend_pid() as pid, count(*) from sensor_readings`.execute(reader);
      const done = closeOldest(db, first!.untilMicros, { log: kept.log });
      await waitUntil(async () => {
        written += await write(db, rowsAt("b", first!.fromMicros + written));
        return kept.lines.some(({ fields }) => fields["pid"] === session!.pid);
      }, { what: "the closing to keep away" });
      assert.deepEqual(await listPartitions(db, "closed_readings"), []);
      return { done };
    });
    assert.deepEqual(await closing.done, first);
    assert.deepEqual(await placesOf(db), { closed: 1 + written, older: 0, open: 0 });
  },

  async "ends its wait when it is told to, and leaves all as it was"(db) {
    const days = await prepare(db, 2);
    const stop = new AbortController();
    const kept = keptLog();
    await db.transaction().execute(async (reader) => {
      await sql`select from sensor_readings limit 1`.execute(reader);
      const until = days[0]!.untilMicros;
      const closing = closeOldest(db, until, { log: kept.log, signal: stop.signal });
      await waitUntil(() => kept.lines.length > 0, { what: "the closing to wait" });
      stop.abort(new Error("stopped"));
      await assert.rejects(closing, { message: "stopped" });
    });
    assert.deepEqual(await openDays(db), days);
    await write(db, rowsAt("a", days[0]!.fromMicros - dayMicros));
    assert.equal((await placesOf(db)).older, 1);
  },
});

postgresTest("closeOldest of days before which many readings are late, on PostgreSQL", {
  async "reads them before others wait, and then no more"(db) {
    const [first] = await prepare(db, 2);
    const late = 10_000;
    await sql`
      insert into sensor_readings
        (device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
      select 'a', ${new Date(
      first!.fromMicros / 1_000,
    )}::timestamptz + n * interval '1 s', n, 1, 1, 1, 1
      from generate_series(-${sql.lit(late)}, 10000) n`.execute(db);
    const before = await rowsRead(db, "sensor_readings_older");
    const kept = keptLog();
    {
      // What it has read is counted when its session ends, if not before.
      await using closer = await openDatabase(databaseConfig(await urlOf(db)), log);
      const closing = await db.transaction().execute(async (reader) => {
        await sql`lock table only sensor_readings in access share mode`.execute(reader);
        const done = closeOldest(closer.db, first!.untilMicros, { log: kept.log });
        await waitUntil(() => kept.lines.length > 0, { what: "the closing to wait" });
        const { rows: promises } = await sql`
          select convalidated as valid from pg_constraint
          where conrelid = to_regclass('sensor_readings_older') and contype = 'c'`.execute(db);
        assert.deepEqual(promises, [{ valid: true }]);
        return { done };
      });
      assert.deepEqual(await closing.done, first);
    }
    await waitUntil(
      async () => await rowsRead(db, "sensor_readings_older") >= before + late,
      { what: "what was read to be counted" },
    );
    assert.equal(await rowsRead(db, "sensor_readings_older"), before + late);
    // Of the day itself only whether it has any.
    assert.ok(await rowsRead(db, first!.name) <= 1);
  },
});
