import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { type Kysely, sql } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { beforeTenants } from "../../../tests/support/before_tenants.ts";
import { databaseConfig } from "../../../tests/support/database_config.ts";
import { emptyTables } from "../../../tests/support/empty_tables.ts";
import { migrateTo } from "../../../tests/support/migrate_to.ts";
import { createTestDatabase, postgresUrl } from "../../../tests/support/postgres.ts";
import { untilOneWaits } from "../../../tests/support/row_lock.ts";
import { tempPglite } from "../../../tests/support/temp_pglite.ts";
import { openDatabase } from "../../backend/store/connection/open_database.ts";
import type { Database } from "../../backend/store/database.ts";
import { lockParked } from "../../backend/store/parked/lock_parked.ts";
import { writeReadings } from "../../backend/store/readings/write_readings.ts";
import { migrateToLatest } from "../../backend/store/schema/migrate.ts";
import { onTables } from "../database/on_tables.ts";
import type { Print } from "../output/print.ts";
import { dropParkedReadings } from "./drop_parked_readings.ts";
import { listParkedReadings } from "./list_parked_readings.ts";
import { releaseParkedReadings } from "./release_parked_readings.ts";

const log = getLogger("parked-test");
const bounds = { maxAgeMs: 2_592_000_000, maxReadings: 1_000_000 };

/** The settings of all actions: what one of them does not have, it does not see. */
type ParkedSettings = Parameters<typeof dropParkedReadings>[1];

const none: ParkedSettings = {
  deviceId: undefined,
  olderThanMs: undefined,
  limit: Infinity,
  yes: false,
};

type Act = (
  db: Kysely<Database>,
  settings: ParkedSettings,
  signal: AbortSignal,
  print: Print,
) => Promise<void>;

const actions = {
  list: (db, settings, signal, print) => {
    const { limit } = settings;
    return listParkedReadings(db, settings, { bounds, limit, nowMs: Date.now(), signal }, print);
  },
  release: releaseParkedReadings,
  drop: dropParkedReadings,
} as const satisfies Readonly<Record<string, Act>>;

Deno.test("parked lists, releases and drops, on PGlite", async (test) => {
  await using folder = await tempPglite();
  await runCases(test, folder.url);
});

Deno.test({
  name: "parked lists, releases and drops, on PostgreSQL",
  ignore: postgresUrl === undefined,
  async fn(test) {
    await using server = await createTestDatabase();
    await runCases(test, server.url);
  },
});

Deno.test({
  name: "parked says that a database has no tables yet, or those of an older release",
  ignore: postgresUrl === undefined,
  async fn() {
    await using server = await createTestDatabase();
    const config = databaseConfig(server.url);
    const { signal } = new AbortController();
    const list = (db: Kysely<Database>) => actions.list(db, none, signal, () => Promise.resolve());
    const refused = () =>
      assert.rejects(
        onTables("read parked readings", config, { log, signal }, list),
        /^ExitError: Cannot read parked readings: the database has no tables for it yet; migrate/,
      );
    await refused();
    {
      await using database = await openDatabase(config, log);
      await migrateTo(database.db, beforeTenants);
    }
    await refused();
  },
});

Deno.test({
  name: "parked drop waits for others who move or delete, and says how far it came when stopped",
  ignore: postgresUrl === undefined,
  async fn() {
    await using server = await createTestDatabase();
    await using database = await openDatabase(databaseConfig(server.url), log);
    const { db } = database;
    await migrateToLatest(db, log);
    await park(db, { a: 5, b: 2 });
    const lines: string[] = [];
    const dropAll = (signal = new AbortController().signal) =>
      actions.drop(db, { ...none, yes: true }, signal, (line) => {
        lines.push(line);
        return Promise.resolve();
      });
    const stopped = new Error("stopped");
    await assert.rejects(dropAll(AbortSignal.abort(stopped)), stopped);
    const dropping = await db.transaction().execute(async (transaction) => {
      await lockParked(transaction);
      await sql`delete from parked_readings where device_id = 'b'`.execute(transaction);
      const dropping = dropAll();
      await untilOneWaits(db);
      return { dropping };
    });
    await dropping.dropping;
    assert.deepEqual(lines, [
      "Dropped 0 readings, then stopped; the others are where they were.",
      "Dropped 5 readings, left 0.",
    ]);
  },
});

/** Each case starts with five readings of `a`, two of `b` and one of `ç`, parked. */
async function runCases(test: Deno.TestContext, url: string): Promise<void> {
  await using database = await openDatabase(databaseConfig(url), log);
  const { db } = database;
  await migrateToLatest(db, log);
  const act = async (action: keyof typeof actions, given: Partial<ParkedSettings> = {}) => {
    const lines: string[] = [];
    const signal = new AbortController().signal;
    await actions[action](db, { ...none, ...given }, signal, (line) => {
      lines.push(line);
      return Promise.resolve();
    });
    return lines;
  };
  const cases: Record<string, () => Promise<void>> = {
    "list shows each device and the totals": async () => {
      await register(db, "b");
      const lines = await act("list");
      assert.deepEqual(
        lines.slice(1, 4).map((line) => line.trim().split(/ {2,}/)).map((cells) => [
          cells[0],
          cells[1],
          cells[2],
          cells[4],
          cells[5],
        ]),
        [
          ["5", "2025-01-01T00:00:00.000Z", "2025-01-01T00:00:04.000Z", "unknown", "a"],
          ["2", "2025-01-01T00:00:00.000Z", "2025-01-01T00:00:01.000Z", "known", "b"],
          ["1", "2025-01-01T00:00:00.000Z", "2025-01-01T00:00:00.000Z", "unknown", "ç"],
        ],
      );
      assert.deepEqual(lines.slice(-2), [
        "8 readings of 3 devices; 2 can be released now.",
        "At most 1000000 stay parked, none for longer than 30d; the oldest go to the dead letters.",
      ]);
    },
    "list heeds device, age and limit": async () => {
      await sql`update parked_readings set parked_at = now() - interval '1 hour'
        where device_id = 'a' and "timestamp" < '2025-01-01T00:00:02Z'`.execute(db);
      assert.match((await act("list", { deviceId: "ç" })).at(-2)!, /^1 readings of 1 devices/);
      assert.match((await act("list", { olderThanMs: 60_000 })).at(-2)!, /^2 readings of 1 dev/);
      const limited = await act("list", { limit: 1 });
      assert.equal(limited.at(-3), "The first 1 of 3 devices are shown.");
      assert.match(limited.at(-2)!, /^8 readings of 3 devices/);
      assert.deepEqual(await act("list", { deviceId: "z" }), ["No parked readings."]);
    },
    "release stores those of known devices and leaves the others": async () => {
      await register(db, "a");
      assert.deepEqual(await act("release", { limit: 2 }), ["Released 2 readings, left 6."]);
      assert.deepEqual(await act("release"), ["Released 3 readings, left 3."]);
      assert.deepEqual(await act("release"), ["Released 0 readings, left 3."]);
      assert.deepEqual(await count(db), { stored: 5, parked: 3 });
    },
    "release sets aside what the database refuses, and shows it": async () => {
      await sql`alter table sensor_readings add constraint refuse_it
        check ("timestamp" <> '2025-01-01T00:00:00Z')`.execute(db);
      try {
        await register(db, "a");
        await register(db, "b");
        assert.deepEqual(await act("release"), [
          "Released 5 readings, left 3, 2 of them refused by the database.",
        ]);
      } finally {
        await sql`alter table sensor_readings drop constraint refuse_it`.execute(db);
      }
      const lines = await act("list");
      assert.match(lines[2]!, /1 refused: .*refuse_it/);
      assert.match(lines.at(-2)!, /0 can be released now/);
      assert.deepEqual(await act("release"), ["Released 2 readings, left 1."]);
    },
    "drop removes what its filters name, and refuses a bare drop": async () => {
      await assert.rejects(act("drop"), /or say --yes$/);
      await assert.rejects(act("drop", { limit: 3 }), /or say --yes$/);
      assert.deepEqual(await act("drop", { deviceId: "a", limit: 2 }), [
        "Dropped 2 readings, left 6.",
      ]);
      assert.deepEqual(await act("drop", { olderThanMs: 60_000 }), ["Dropped 0 readings, left 6."]);
      assert.deepEqual(await act("drop", { deviceId: "b" }), ["Dropped 2 readings, left 4."]);
      assert.deepEqual(await act("drop", { yes: true }), ["Dropped 4 readings, left 0."]);
      assert.deepEqual(await count(db), { stored: 0, parked: 0 });
    },
    "list and drop go on past one page and one step": async () => {
      await sql`insert into parked_readings
        ("timestamp", tie_break, temperature, humidity, pressure, battery_level, device_id)
        select timestamptz 'epoch' + n * interval '1 s', 0, 1, 2, 3, 4, 'd' || n % 2500
        from generate_series(1, 25000) n`.execute(db);
      const lines = await act("list");
      assert.equal(lines.at(-2), "25008 readings of 2503 devices; 0 can be released now.");
      assert.equal(
        new Set(lines.slice(1, -3).map((line) => line.split(/ {2,}/).at(-1))).size,
        2503,
      );
      assert.deepEqual(await act("drop", { yes: true }), ["Dropped 25008 readings, left 0."]);
    },
  };
  for (const [name, run] of Object.entries(cases)) {
    await test.step(name, async () => {
      await emptyTables(db);
      await park(db, { a: 5, b: 2, "ç": 1 });
      await run();
    });
  }
}

async function park(db: Kysely<Database>, counts: Readonly<Record<string, number>>) {
  const start = Date.UTC(2025, 0, 1) * 1_000;
  const same = { tieBreak: 0n, values: [1, 2, 1_000, 4] };
  const rows = Object.entries(counts).flatMap(([deviceId, readings]) =>
    Array.from({ length: readings }, (_, at) => ({
      deviceId,
      micros: start + at * 1_000_000,
      ...same,
    }))
  );
  assert.deepEqual(await writeReadings(db, defaultTenant, rows), {
    stored: 0,
    parked: rows.length,
  });
}

async function register(db: Kysely<Database>, deviceId: string): Promise<void> {
  await sql`insert into iot_devices
    values (${deviceId}, '', '', '', '', 0, 0, timestamptz 'epoch', timestamptz 'epoch')`
    .execute(db);
}

async function count(db: Kysely<Database>) {
  const { rows } = await sql<{ stored: number; parked: number }>`select
    (select count(*)::int from sensor_readings) as stored,
    (select count(*)::int from parked_readings) as parked`.execute(db);
  return rows[0];
}
