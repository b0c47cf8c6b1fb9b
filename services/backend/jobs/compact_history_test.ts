import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { type Kysely, sql } from "kysely";
import { retry } from "#shared/lifecycle/retry.ts";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { compactor } from "../../../tests/support/compactor.ts";
import { databaseConfig } from "../../../tests/support/database_config.ts";
import { eachDatabase } from "../../../tests/support/each_database.ts";
import { createTestDatabase, postgresUrl } from "../../../tests/support/postgres.ts";
import { countRows, device, readingRow } from "../../../tests/support/store_rows.ts";
import type { ReadingPosition, ReadingRow } from "../readings/reading_row.ts";
import { openDatabase } from "../store/connection/open_database.ts";
import { isTransient } from "../store/connection/write_failure.ts";
import type { Database } from "../store/database.ts";
import { writeDevices } from "../store/devices/write_devices.ts";
import { nextToPack } from "../store/history/next_to_pack.ts";
import { stageClosed } from "../store/history/stage_closed.ts";
import { dayMicros, dayOf } from "../store/partitions/days.ts";
import { pageReadings } from "../store/readings/page_readings.ts";
import { writeReadings } from "../store/readings/write_readings.ts";
import { migrateToLatest } from "../store/schema/migrate.ts";

const log = getLogger("compaction-test");
const idle = new AbortController().signal;
const ids = ["a", "b", "c"];
const days = 3;
const perDay = 400;
/** Of packing, a third of which are interrupted. */
const steps = 60;
/** Before today, so that all of them are old enough. */
const firstDay = dayOf(Date.now() * 1_000) - (days + 1) * dayMicros;

/** Number `n` of a device's readings, over the days. */
function reading(deviceId: string, n: number, temperature = n / 10): ReadingRow {
  const micros = firstDay + Math.floor(n * days * dayMicros / (days * perDay));
  return readingRow(deviceId, { seconds: Math.floor(micros / 1_000_000), temperature });
}

const keyOf = ({ micros, tieBreak }: ReadingPosition) => `${micros} ${tieBreak}`;

/** Of a device, page by page. */
async function stored(db: Kysely<Database>, deviceId: string): Promise<readonly string[]> {
  const keys: string[] = [];
  let before: ReadingPosition | undefined;
  do {
    const page = await pageReadings(db, defaultTenant, { deviceId, before, limit: 500 });
    keys.push(...page.map(({ position }) => keyOf(position)));
    before = page.length < 500 ? undefined : page.at(-1)!.position;
  } while (before !== undefined);
  return keys;
}

async function fill(db: Kysely<Database>): Promise<readonly ReadingRow[]> {
  await writeDevices(db, defaultTenant, ids.map((id) => device(id)));
  const rows = ids.flatMap((id) => Array.from({ length: days * perDay }, (_, n) => reading(id, n)));
  await writeReadings(db, defaultTenant, rows);
  return rows;
}

eachDatabase("compact_history", {
  async "leaves the days that are not over for long enough as they are"(db) {
    const rows = await fill(db);
    await packAll(db, 30);
    assert.equal(await countRows(db, "sensor_readings"), rows.length);
    assert.equal(await countRows(db, "closed_readings"), 0);
  },

  async "closes no day since one of both clocks is ahead"(db) {
    const rows = await fill(db);
    for (const [days, ahead] of [[30, 60], [1, -60]] as const) {
      const compaction = compactor(db, days, () => Date.now() + ahead * dayMicros / 1_000);
      assert.equal(await compaction.step(idle), "done");
      assert.equal(await countRows(db, "sensor_readings"), rows.length);
    }
  },

  async "packs anew a day whose rows somebody has changed meanwhile, and then leaves it alone"(db) {
    const rows = await fill(db);
    const compaction = compactor(db);
    while (await countStaged(db) < perDay) await compaction.step(idle);
    await sql`
      delete from closed_readings where device_id = 'a' and "timestamp" = (
        select min("timestamp") from closed_readings where device_id = 'a'
      )`.execute(db);
    const packed = (await nextToPack(db))!;
    while (await compaction.step(idle) === "more");
    assert.equal(await countRows(db, "closed_readings"), 0);
    // Another replica may be about to go on with it.
    const late = await db.transaction().execute((session) => stageClosed(session, packed, 1));
    assert.deepEqual(late, { readings: 0, complete: true, devices: 1 });
    assert.deepEqual(await db.selectFrom("compactions").selectAll().execute(), []);
    const keys = rows.filter(({ deviceId }) => deviceId === "a").map(keyOf);
    assert.deepEqual((await stored(db, "a")).toReversed(), keys.slice(1));
  },
});

/** As the backend does: a session may be lost, or one of two who wait for each other ended. */
async function untilTaken<Result>(work: () => Promise<Result>): Promise<Result> {
  return await retry(work, { signal: idle, again: isTransient });
}

async function packAll(db: Kysely<Database>, afterDays = 1): Promise<void> {
  const compaction = compactor(db, afterDays);
  while (await compaction.step(idle) === "more");
}

async function countStaged(db: Kysely<Database>): Promise<number> {
  const { rows: [row] } = await sql<{ readonly readings: number }>`
    select coalesce(sum(readings), 0)::int as readings from staged_history`.execute(db);
  return row!.readings;
}

Deno.test({
  name: "What is packed under fire is there once: writers, readers, and sessions that are lost",
  ignore: postgresUrl === undefined,
  async fn() {
    await using server = await createTestDatabase();
    const open = () => openDatabase(databaseConfig(server.url), log);
    await using writing = await open();
    await using reading_ = await open();
    await using packing = await open();
    await using killing = await open();
    await migrateToLatest(writing.db, log);
    const first = await fill(writing.db);
    const there = new Map(ids.map((id) => [id, new Set<string>()]));
    const note = (rows: readonly ReadingRow[]) => {
      for (const row of rows) there.get(row.deviceId)!.add(keyOf(row));
    };
    note(first);
    let over = false;

    let late = 0;
    const write = async () => {
      for (let turn = 0; !over; turn++) {
        const id = ids[turn % ids.length]!;
        const again = Array.from(
          { length: 20 },
          (_, at) => first[(turn * 61 + at * 97) % first.length]!,
        );
        const news = Array.from(
          { length: 5 },
          (_, at) => reading(id, (turn * 37 + at * 211) % (days * perDay), -20 - turn / 100),
        );
        const rows = [...again, ...news];
        const { stored } = await untilTaken(() => writeReadings(writing.db, defaultTenant, rows));
        assert.ok(stored <= news.length, "what was there was stored again");
        late += stored;
        note(news);
      }
    };
    const read = async () => {
      for (let turn = 0; !over; turn++) {
        const id = ids[turn % ids.length]!;
        const before = new Set(there.get(id));
        const keys = await untilTaken(() => stored(reading_.db, id));
        assert.equal(new Set(keys).size, keys.length, "one was seen twice");
        const seen = new Set(keys);
        assert.deepEqual([...before].filter((key) => !seen.has(key)), [], "one was not seen");
      }
    };
    const pack = async () => {
      let compaction = compactor(packing.db);
      for (let step = 0; step < steps; step++) {
        const { rows: [session] } = await untilTaken(() =>
          sql<{ readonly pid: number }>`select pg_backend_pid() as pid`.execute(packing.db)
        );
        const outcome = compaction.step(idle).catch(() => "lost" as const);
        if (step % 3 === 1) {
          // At one place after the other of a step.
          for (let asked = 0; asked < step % 7; asked++) await sql`select 1`.execute(killing.db);
          await sql`select pg_terminate_backend(${session!.pid})`.execute(killing.db);
        }
        if (await outcome === "lost") compaction = compactor(packing.db);
      }
      over = true;
    };
    await Promise.all([write(), read(), pack()]);
    await untilTaken(() => packAll(packing.db));
    assert.ok(late > 0);
    assert.equal(await countRows(packing.db, "closed_readings"), 0);
    for (const id of ids) {
      const keys = await stored(packing.db, id);
      assert.equal(keys.length, there.get(id)!.size);
      assert.deepEqual(new Set(keys), there.get(id));
    }
  },
});
