import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { CompiledQuery, Kysely, PostgresDialect, sql } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { databaseConfig } from "../../../tests/support/database_config.ts";
import { makeManyDays } from "../../../tests/support/many_days.ts";
import { fillHistory } from "../../../tests/support/fill_history.ts";
import { fillRollups } from "../../../tests/support/fill_rollups.ts";
import { createTestDatabase, postgresUrl } from "../../../tests/support/postgres.ts";
import { device, noonSeconds, readingRow } from "../../../tests/support/store_rows.ts";
import { SessionPool } from "./connection/session_pool.ts";
import { type SessionSetting, writing } from "./connection/session_settings.ts";
import type { Database } from "./database.ts";
import { findDevice, pageDevices } from "./devices/read_devices.ts";
import { refreshDevices } from "./devices/refresh_devices.ts";
import { writeDevices } from "./devices/write_devices.ts";
import { deleteParked } from "./parked/delete_parked.ts";
import { dropParked } from "./parked/drop_parked.ts";
import { knownParked } from "./parked/known_parked.ts";
import { takeParked } from "./parked/take_parked.ts";
import { dayMicros, dayOf } from "./partitions/days.ts";
import { listPartitions } from "./partitions/list_partitions.ts";
import { pageReadings } from "./readings/page_readings.ts";
import { lastInstants, latestReadings } from "./readings/read_readings.ts";
import { writeReadings } from "./readings/write_readings.ts";
import { firstReading } from "./rollups/first_reading.ts";
import { readBuckets } from "./rollups/read_buckets.ts";
import { rollMarks } from "./rollups/roll_marks.ts";
import { rollSlice } from "./rollups/roll_slice.ts";
import { hourMicros } from "./rollups/rollup_levels.ts";
import { rollupProgress } from "./rollups/rollup_progress.ts";
import { countPage, countUpTo } from "./runs/count_run.ts";
import { pageRollups } from "./runs/page_rollups.ts";
import { pageRun } from "./runs/read_run.ts";
import { firstInstant } from "./retention/first_instant.ts";
import { readDay } from "./retention/read_day.ts";
import { migrateToLatest } from "./schema/migrate.ts";

const log = getLogger("query-plans-test");

type Run = (db: Kysely<Database>) => Promise<unknown>;

const rows = Array.from({ length: 1_000 }, (_, at) => readingRow(`d${at * 97}`, { nanos: at }));
const devices = rows.slice(0, 100).map(({ deviceId }) => device(deviceId));
const unknown = Array.from({ length: 100 }, (_, at) => device(`x${1 + at}`));
const parkedKeys = Array.from({ length: 1_000 }, (_, at) => ({
  tenantId: defaultTenant,
  deviceId: `x${1 + (at % 100)}`,
  micros: (noonSeconds + at) * 1_000_000,
  tieBreak: String(at),
}));
/** As `rows`, of now. */
const rowsOfNow = rows.map((row, at) => ({ ...row, micros: Date.now() * 1_000 + at }));
const dayOfRows = {
  fromMicros: dayOf(noonSeconds * 1_000_000),
  untilMicros: dayOf(noonSeconds * 1_000_000) + dayMicros,
};
const everything = { deviceId: undefined, olderThanMs: undefined };
const before = { micros: noonSeconds * 1_000_000, tieBreak: 5n };

/** Partitions that there are, besides the one of what is older. */
const days = 400;
/** The last ones that readings may be of. */
const lastDays = {
  fromMicros: dayOf(Date.now() * 1_000) - dayMicros,
  untilMicros: dayOf(Date.now() * 1_000) + 2 * dayMicros,
};
/** Of history, which is of three years before all days that are open. */
const packedYear = {
  fromMicros: dayOf(Date.now() * 1_000) - 3 * days * dayMicros,
  untilMicros: dayOf(Date.now() * 1_000) - 2 * days * dayMicros,
};

interface Circumstances {
  /** Whose settings the session has; any handle's unless given. */
  readonly session?: "ingest";
  /** Before there are statistics, a tenant seems one of many, and its rows few enough to sort. */
  readonly maySortAtFirst?: true;
  /** That its plans have, all of them together. */
  readonly mostPartitions?: number;
}

/** Statements, and what their plans must not do. */
const statements: readonly [name: string, run: Run, never: RegExp, Circumstances?][] = [
  [
    "the first page",
    (db) => pageReadings(db, defaultTenant, { deviceId: "d7", before: undefined, limit: 51 }),
    /Sort|Seq Scan|Bitmap/,
    { maySortAtFirst: true, mostPartitions: 14 },
  ],
  [
    "a later page",
    (db) => pageReadings(db, defaultTenant, { deviceId: "d7", before, limit: 51 }),
    /Sort|Seq Scan|Bitmap/,
    { maySortAtFirst: true, mostPartitions: 14 },
  ],
  [
    "a page of half a year ago",
    (db) =>
      pageReadings(db, defaultTenant, {
        deviceId: "d7",
        before: { micros: Date.now() * 1_000 - days / 2 * dayMicros, tieBreak: 5n },
        limit: 51,
      }),
    /Sort|Seq Scan|Bitmap/,
    { maySortAtFirst: true, mostPartitions: 14 },
  ],
  [
    "a page of packed readings",
    async (db) => {
      const before = { micros: Date.now() * 1_000 - 2 * days * dayMicros, tieBreak: 5n };
      const page = await pageReadings(db, defaultTenant, { deviceId: "d7", before, limit: 51 });
      assert.equal(page.length, 51);
    },
    /Sort|Seq Scan|Bitmap/,
    { maySortAtFirst: true, mostPartitions: 14 },
  ],
  [
    "the newest of each",
    (db) => latestReadings(db, defaultTenant, ["d1", "d7", "d9"]),
    /Seq Scan|Bitmap|Sort|Merge Append/,
    { maySortAtFirst: true },
  ],
  ["a device", (db) => findDevice(db, defaultTenant, "d7"), /Seq Scan/],
  [
    "a page of devices",
    (db) => pageDevices(db, defaultTenant, { after: "d7", limit: 101, withLatest: true, own: [] }),
    /Sort|Seq Scan on (?!lagging_writers)/,
    { maySortAtFirst: true },
  ],
  [
    "when devices were last heard",
    (db) => lastInstants(db, defaultTenant, ["d1", "d7"]),
    /Seq Scan/,
  ],
  ["a batch of readings", (db) => writeReadings(db, defaultTenant, rowsOfNow), /Seq Scan/, {
    session: "ingest",
  }],
  ["a batch of late readings", (db) => writeReadings(db, defaultTenant, rows), /Seq Scan/, {
    session: "ingest",
  }],
  ["a batch of devices", (db) => writeDevices(db, defaultTenant, devices), /Seq Scan/, {
    session: "ingest",
  }],
  [
    "a batch of devices with parked readings",
    async (db) => assert.equal((await writeDevices(db, defaultTenant, unknown)).moved, 50_000),
    /Seq Scan/,
    { session: "ingest" },
  ],
  [
    "known devices with parked readings",
    (db) => knownParked(db, undefined, 1_000),
    /Seq Scan/,
  ],
  [
    "what is parked too long",
    async (db) =>
      assert.equal((await takeParked(db, { maxAgeMs: 1, maxReadings: 1e9 }, 100)).length, 100),
    /Sort|Seq Scan on parked_readings p|Seq Scan on iot_devices/,
  ],
  [
    "what is parked too much",
    async (db) =>
      assert.equal((await takeParked(db, { maxAgeMs: 1e12, maxReadings: 1e4 }, 100)).length, 100),
    /Sort|Seq Scan on parked_readings p|Seq Scan on iot_devices/,
  ],
  [
    "parting with what was parked",
    (db) => deleteParked(db, parkedKeys),
    /Seq Scan/,
  ],
  [
    "dropping what is parked",
    (db) => dropParked(db, defaultTenant, everything, { after: parkedKeys[0], limit: 100 }),
    /Sort|Seq Scan/,
  ],
  [
    "the first reading of a day",
    (db) => firstInstant(db, "sensor_readings", dayOfRows),
    /Seq Scan on (?!iot_devices)|Sort/,
    { mostPartitions: 1 },
  ],
  [
    "a page of a day, to be archived",
    async (db) => {
      const { value: page } = await readDay(db, "sensor_readings", dayOfRows.fromMicros).next();
      assert((await Array.fromAsync(page!.readings)).length > 0);
    },
    /Seq Scan/,
    { maySortAtFirst: true, mostPartitions: 1 },
  ],
  [
    "the rows of devices",
    (db) =>
      refreshDevices(
        db,
        defaultTenant,
        new Map(rows.slice(0, 100).map((row) => [row.deviceId, row])),
      ),
    /Seq Scan/,
  ],
  ...([["a day", 1, 300], ["a month", 30, 7_200], ["a year", 365, 86_400]] as const).map((
    [name, days, bucketSeconds],
  ) =>
    [
      `a chart of ${name}`,
      (db) =>
        readBuckets(db, defaultTenant, {
          deviceId: "d7",
          fromMicros: Date.now() * 1_000 - days * dayMicros,
          untilMicros: Date.now() * 1_000,
          bucketSeconds,
        }),
      /Seq Scan/,
      { mostPartitions: 3 },
    ] satisfies typeof statements[number]
  ),
  [
    "a chart of a device whose readings come late",
    (db) =>
      readBuckets(db, defaultTenant, {
        deviceId: "d107",
        fromMicros: Date.now() * 1_000 - 365 * dayMicros,
        untilMicros: Date.now() * 1_000,
        bucketSeconds: 86_400,
      }),
    /Seq Scan/,
  ],
  [
    "a run's readings, in rows",
    (db) => pageRun(db, defaultTenant, { deviceIds: ["d1", "d7"], span: lastDays, limit: 1_000 }),
    /Seq Scan/,
    { mostPartitions: 4 },
  ],
  [
    "a run's readings, packed",
    async (db) => {
      const page = { deviceIds: ["d1", "d7"], span: packedYear, limit: 1_000 };
      const [first] = await pageRun(db, defaultTenant, page);
      assert(first!.length > 0);
    },
    /Seq Scan/,
    { mostPartitions: 1 },
  ],
  [
    "how many readings there are outside of a run",
    (db) => {
      const { fromMicros: untilMicros } = packedYear;
      const deviceIds = ["d1", "d7"];
      return countUpTo(db, defaultTenant, { deviceIds, span: { untilMicros }, limit: 1_000 });
    },
    /Seq Scan/,
    { mostPartitions: 1 },
  ],
  [
    "how many rows a device has in a run",
    (db) =>
      countPage(db, defaultTenant, {
        deviceId: "d1",
        span: lastDays,
        after: undefined,
        limit: 1_000,
      }),
    /Seq Scan/,
    { mostPartitions: 4 },
  ],
  [
    "a run's rollups",
    async (db) => {
      const page = { deviceIds: ["d1", "d7"], span: lastDays };
      const [first] = await pageRollups(db, defaultTenant, page);
      assert(first!.tables.rollups_minute.buckets.length > 0);
    },
    /Seq Scan/,
  ],
  [
    "rolling up an hour of some devices",
    async (db) => {
      const progress = await rollupProgress(db);
      const untilMicros = progress.rolledUntilMicros + hourMicros;
      const after = { tenantId: defaultTenant, deviceId: "d6" };
      await rollSlice(db, { untilMicros, after }, { progress, maxDevices: 50 });
    },
    /Seq Scan/,
    { mostPartitions: 3 },
  ],
  [
    "rolling up marked hours",
    async (db) => {
      const progress = await rollupProgress(db);
      const rolled = await rollMarks(db, { after: undefined, limit: 10, progress });
      assert.equal(rolled.length, 10);
    },
    /Seq Scan on (?!pg_extension)/,
  ],
  [
    "the first reading after a time without any",
    (db) => {
      const nowMicros = Date.now() * 1_000;
      return firstReading(db, nowMicros - (days - 3) * dayMicros, nowMicros);
    },
    /Seq Scan on (?!iot_devices)/,
  ],
];

Deno.test({
  name: "Statements go by index in big tables, with statistics and before there are any",
  ignore: postgresUrl === undefined,
  async fn(test) {
    await using server = await createTestDatabase();
    const queries: CompiledQuery[] = [];
    const open = (settings: readonly SessionSetting[]) => {
      const options = { max: 1, settings };
      const pool = new SessionPool(databaseConfig(server.url), log, options);
      return new Kysely<Database>({
        dialect: new PostgresDialect({ pool }),
        log: ({ query }) => void queries.push(query),
      });
    };
    const db = open([]);
    const ingest = open(writing(30_000));
    await using _open = {
      async [Symbol.asyncDispose]() {
        await Promise.all([db.destroy(), ingest.destroy()]);
      },
    };
    await migrateToLatest(db, log, { beside: ingest });
    await makeManyDays(db, days);
    const partitions = (await listPartitions(db, "sensor_readings")).map(({ name }) => name);
    for (const table of ["iot_devices", "parked_readings", ...partitions]) {
      await sql`alter table ${sql.table(table)} set (autovacuum_enabled = false)`.execute(db);
    }
    await fill(db);
    await fillRollups(db);
    await fillHistory(db, lastDays.untilMicros - days * dayMicros, 1_096);
    for (const state of ["without statistics", "with statistics"]) {
      if (state === "with statistics") await sql`analyze`.execute(db);
      for (const [name, run, never, circumstances = {}] of statements) {
        const { session, maySortAtFirst, mostPartitions = Infinity } = circumstances;
        await test.step(`${name}, ${state}`, async () => {
          const plan = await plansOf(session === "ingest" ? ingest : db, queries, run);
          assert.match(plan, /Index/);
          const refused = maySortAtFirst && state === "without statistics"
            ? /Seq Scan on (?!lagging_writers)/
            : never;
          assert.doesNotMatch(plan, refused, plan);
          const looked = new Set(plan.match(/(?<= on )sensor_readings_\w+\b(?<!_pkey)/g));
          assert.ok(looked.size <= mostPartitions, plan);
          // Known as it is planned, which takes long for each partition.
          if (mostPartitions < days) assert.doesNotMatch(plan, /Subplans Removed/, plan);
        });
      }
    }
  },
});

/**
 * 100,000 devices; of 100 of them as many readings before all days that are
 * open, and of 10 of them 1,000 of each of these; and parked ones of 100 others.
 */
async function fill(db: Kysely<Database>): Promise<void> {
  await sql`
    insert into iot_devices select 'd' || n, '', '', '', '', 0, 0, now(), now()
    from generate_series(1, 100000) n`.execute(db);
  for (const [table, prefix] of [["sensor_readings", "d"], ["parked_readings", "x"]] as const) {
    await sql`
      insert into ${sql.table(table)}
        (device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
      select ${prefix}::text || 1 + n % 100, timestamptz '2024-03-01' + n * interval '1 s', n, 20, 50, 1000, 90
      from generate_series(1, 100000) n`.execute(db);
  }
  await sql`
    insert into sensor_readings
      (device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
    select 'd' || 1 + n % 10, open_from + n / 1000.0 * interval '1 day', n, 20, 50, 1000, 90
    from reading_progress, generate_series(0, ${days * 1_000}::int - 1) n`.execute(db);
}

/** The plans of the statements that `run` executes, under its settings and without its effects. */
async function plansOf(
  db: Kysely<Database>,
  queries: CompiledQuery[],
  run: Run,
): Promise<string> {
  queries.length = 0;
  const undo = new Error("undo");
  const plans: string[] = [];
  await db.transaction().execute(async (transaction) => {
    await run(transaction);
    for (const { sql, parameters } of [...queries]) {
      if (!/^\s*(with|select|insert|update|delete)/.test(sql)) continue;
      const explain = CompiledQuery.raw(`explain ${sql}`, [...parameters]);
      const { rows } = await transaction.executeQuery<{ "QUERY PLAN": string }>(explain);
      plans.push(rows.map((row) => row["QUERY PLAN"]).join("\n"));
    }
    throw undo;
  }).catch((error) => assert.equal(error, undo));
  return withoutNothing(plans.join("\n"));
}

/** Leaves out how a table of one row is read, and how nothing is sorted: what no partition can have. */
function withoutNothing(plan: string): string {
  return plan.replaceAll(/Seq Scan on reading_progress/g, "").replaceAll(
    /Sort {2}[^\n]*\n *Sort Key: [^\n]*\n *-> {2}Result {2}[^\n]*\n *One-Time Filter: false/g,
    "",
  );
}
