import assert from "node:assert/strict";
import { type Kysely, type KyselyPlugin, sql } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { assertSameBuckets, bucketsOf } from "../../../tests/support/bucket_oracle.ts";
import { eachDatabase, eachServer } from "../../../tests/support/each_database.ts";
import { emptyTables } from "../../../tests/support/empty_tables.ts";
import { keptLog } from "../../../tests/support/log_lines.ts";
import { storedBuckets } from "../../../tests/support/stored_buckets.ts";
import { device, noonSeconds, readingRow } from "../../../tests/support/store_rows.ts";
import type { ReadingRow } from "../readings/reading_row.ts";
import { onOneReplica } from "../store/connection/on_one_replica.ts";
import type { Database } from "../store/database.ts";
import { writeDevices } from "../store/devices/write_devices.ts";
import { writeReadings } from "../store/readings/write_readings.ts";
import { type BucketQuery, readBuckets } from "../store/rollups/read_buckets.ts";
import { Compactor } from "./compact_history.ts";
import { rollUpJob, rollUpName, type RollupState } from "./roll_up.ts";

const hour = 3_600;
const day = 24 * hour;
const deviceIds = ["a", "b", "c"];

/** Numbers from 0 to below 1 that are the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A transaction that has stored readings and is still open. */
interface OpenWriter {
  readonly rows: readonly ReadingRow[];
  commit(): Promise<void>;
}

/**
 * Writers, the job and readers, one step after the other, in an order that the
 * seed gives; time goes by from the last days' noon on.
 */
class Scenario {
  readonly #db: Kysely<Database>;
  readonly #random: () => number;
  readonly #stored = new Map<string, ReadingRow>();
  readonly #open: OpenWriter[] = [];
  readonly #job;
  readonly #compactor;
  #nowSeconds: number;

  constructor(db: Kysely<Database>, seed: number) {
    this.#db = db;
    this.#random = randomOf(seed);
    this.#nowSeconds = Math.floor(Date.now() / 1_000 / day) * day - 4 * day + 20 * hour;
    this.#job = rollUpJob({
      db,
      nowMs: () => this.#nowSeconds * 1_000,
      onTurn() {},
      wantedReadings: 50,
    });
    this.#compactor = new Compactor({
      db,
      afterMs: day * 1_000,
      nowMs: () => this.#nowSeconds * 1_000,
      onPacked() {},
      log: keptLog().log,
    });
  }

  /** Whole, from 0 to below `end`. */
  #below(end: number): number {
    return Math.floor(this.#random() * end);
  }

  #rows(): readonly ReadingRow[] {
    // Mostly of now, some late, and at times by days.
    const late = this.#random() < 0.6 ? 600 : this.#random() < 0.8 ? 8 * hour : 40 * day;
    return Array.from(
      { length: 1 + this.#below(30) },
      () =>
        readingRow(deviceIds[this.#below(3)]!, {
          seconds: this.#nowSeconds - this.#below(late),
          temperature: Math.round(this.#random() * 4_000) / 100 - 20,
          humidity: this.#random() * 100,
        }),
    );
  }

  async #store(db: Kysely<Database>, rows: readonly ReadingRow[]): Promise<void> {
    await writeReadings(db, defaultTenant, rows);
  }

  #keep(rows: readonly ReadingRow[]): void {
    for (const row of rows) {
      this.#stored.set(`${row.deviceId} ${row.micros} ${row.tieBreak}`, row);
    }
  }

  async write(): Promise<void> {
    const rows = this.#rows();
    await this.#store(this.#db, rows);
    this.#keep(rows);
  }

  async beginWriting(): Promise<void> {
    const rows = this.#rows();
    const transaction = await this.#db.startTransaction().execute();
    await this.#store(transaction, rows);
    this.#open.push({ rows, commit: () => transaction.commit().execute() });
  }

  async endWriting(): Promise<void> {
    const writer = this.#open.splice(this.#below(this.#open.length), 1)[0];
    if (writer === undefined) return;
    await writer.commit();
    this.#keep(writer.rows);
  }

  /** Closes and packs days, and packs what came late of them; that waits for who writes. */
  async pack(): Promise<void> {
    while (this.#open.length > 0) await this.endWriting();
    for (let steps = this.#below(6); steps >= 0; steps--) {
      await this.#compactor.step(new AbortController().signal);
    }
  }

  async rollUp(): Promise<void> {
    await this.#job.run(new AbortController().signal);
  }

  pass(): void {
    this.#nowSeconds += this.#below(this.#random() < 0.9 ? hour : 30 * hour);
  }

  #query(): BucketQuery {
    const width = [1, 60, 600, hour, 6 * hour, day, 7 * day][this.#below(7)]!;
    const untilSeconds = this.#nowSeconds + hour - this.#below(day);
    const fromSeconds = untilSeconds - this.#below(this.#random() < 0.5 ? 3 * hour : 9 * day);
    return {
      deviceId: deviceIds[this.#below(3)]!,
      fromMicros: fromSeconds * 1_000_000 + this.#below(1_000_000),
      untilMicros: untilSeconds * 1_000_000,
      bucketSeconds: width,
    };
  }

  /** Reads, with `meanwhile` going on between its first statement and the next. */
  async read(meanwhile: () => Promise<void>, what: string): Promise<void> {
    const query = this.#query();
    let first = true;
    const between: KyselyPlugin = {
      transformQuery: ({ node }) => node,
      async transformResult({ result }) {
        if (first) {
          first = false;
          await meanwhile();
        }
        return result;
      },
    };
    const found = await readBuckets(this.#db.withPlugin(between), defaultTenant, query);
    const expected = bucketsOf([...this.#stored.values()], query);
    assertSameBuckets(found, expected, `${what}, ${JSON.stringify(query)}`);
  }

  async run(
    name: string,
    { steps, sessions, packing }: {
      readonly steps: number;
      readonly sessions: number;
      readonly packing: boolean;
    },
  ): Promise<void> {
    for (let step = 0; step < steps; step++) {
      const write = () =>
        this.#random() < 0.5 || this.#open.length >= sessions ? this.write() : this.beginWriting();
      const one = async () => {
        const dice = this.#random();
        if (dice < 0.3) await write();
        else if (dice < 0.45) await this.endWriting();
        else if (dice < 0.6) this.pass();
        else if (packing && dice < 0.7) await this.pack();
        else await this.rollUp();
      };
      await one();
      const meanwhile = async () => {
        while (this.#random() < 0.5) await one();
      };
      await this.read(meanwhile, `${name}, step ${step}`);
    }
    while (this.#open.length > 0) await this.endWriting();
  }
}

async function fresh(db: Kysely<Database>): Promise<void> {
  await emptyTables(db);
  await writeDevices(db, defaultTenant, deviceIds.map((id) => device(id)));
}

eachServer("rollUpJob, beside writers whose transactions are open", {
  async "leaves readBuckets exact at every moment"(db) {
    for (let seed = 1; seed <= 12; seed++) {
      await fresh(db);
      const options = { steps: 60, sessions: 3, packing: false };
      await new Scenario(db, seed).run(`seed ${seed}`, options);
    }
  },
});

for (const seed of [101, 102, 103]) {
  const each = seed === 101 ? eachDatabase : eachServer;
  // A database closes its days once.
  each(`rollUpJob, while days are packed, seed ${seed}`, {
    async "leaves readBuckets exact at every moment"(db) {
      await fresh(db);
      const options = { steps: 100, sessions: 0, packing: true };
      await new Scenario(db, seed).run(`seed ${seed}`, options);
      const { count } = await db.selectFrom("sensor_history")
        .select(sql<number>`count(*)::int`.as("count")).executeTakeFirstOrThrow();
      assert.ok(count > 0, "nothing was packed");
    },
  });
}

const noonMs = noonSeconds * 1_000;
const signal = new AbortController().signal;

/** A job by a clock that is given, and what it told at the end of its last turn. */
function jobAt(db: Kysely<Database>, nowMs: number) {
  const clock = { nowMs };
  let told: RollupState | undefined;
  const job = rollUpJob({ db, nowMs: () => clock.nowMs, onTurn: (state) => void (told = state) });
  return {
    clock,
    told: () => told,
    /** Runs it until it has nothing to do at once, and returns how often that was. */
    async turn(): Promise<number> {
      for (let runs = 1;; runs++) if (await job.run(signal) !== "more") return runs;
    },
    run: () => job.run(signal),
  };
}

/** In Unix microseconds, so many hours after noon of the first of March 2024. */
const afterNoon = (hours: number) => (noonSeconds + hours * hour) * 1_000_000;

eachDatabase("rollUpJob", {
  async "begins with the present hour where there are no readings"(db) {
    const { turn, told } = jobAt(db, noonMs + 64 * 60_000);
    assert(await turn() < 5);
    const upToDate = {
      rolledUntilMicros: afterNoon(0),
      dueMicros: afterNoon(0),
      marks: 0,
    };
    assert.deepEqual(told(), upToDate);
  },

  async "rolls up an hour some minutes after its end"(db) {
    await fresh(db);
    const { clock, turn, told } = jobAt(db, noonMs + 64 * 60_000);
    await turn();
    const at = [0, 1, 2].map((at) => readingRow("a", { seconds: noonSeconds + at * 1_800 }));
    await writeReadings(db, defaultTenant, at);
    await turn();
    assert.deepEqual(await storedBuckets(db, "rollups_hour", "a"), []);
    clock.nowMs = noonMs + 65 * 60_000;
    await turn();
    assert.equal(told()!.rolledUntilMicros, afterNoon(1));
    const query = { deviceId: "a", fromMicros: afterNoon(0), untilMicros: afterNoon(1) };
    for (
      const [table, bucketSeconds] of [["rollups_minute", 60], ["rollups_hour", hour]] as const
    ) {
      const stored = await storedBuckets(db, table, "a");
      assertSameBuckets(stored, bucketsOf(at, { ...query, bucketSeconds }), table);
    }
  },

  async "goes no further than one of both clocks has come"(db) {
    await fresh(db);
    const hourMicros = hour * 1_000_000;
    const { clock, turn, told } = jobAt(db, Date.now() + 10 * day * 1_000);
    await turn();
    const byDatabase = told()!.rolledUntilMicros;
    assert(byDatabase <= Date.now() * 1_000 && byDatabase > Date.now() * 1_000 - 2 * hourMicros);
    clock.nowMs = noonMs;
    await turn();
    assert.equal(told()!.dueMicros, afterNoon(-1));
    assert.equal(told()!.rolledUntilMicros, byDatabase);
  },

  async "is exact, and goes on, after both clocks were ahead"(db) {
    await fresh(db);
    // As though it were the next day, twice as far in the past.
    const { clock, turn, told } = jobAt(db, noonMs + day * 1_000);
    const rows = (hours: number) =>
      Array.from(
        { length: 120 },
        (_, at) =>
          readingRow("a", { seconds: noonSeconds + hours * hour + at * 30, temperature: at % 17 }),
      );
    const first = rows(-2);
    await writeReadings(db, defaultTenant, first);
    await turn();
    assert.equal(told()!.rolledUntilMicros, afterNoon(23));
    const all = [...first];
    for (const hours of [-1, 0, 1]) {
      clock.nowMs = noonMs + hours * hour * 1_000;
      const half = rows(hours);
      for (const part of [half.slice(0, 60), half.slice(60)]) {
        await writeReadings(db, defaultTenant, part);
        all.push(...part);
        const query = { deviceId: "a", fromMicros: afterNoon(-12), untilMicros: afterNoon(24) };
        for (const bucketSeconds of [60, hour, day]) {
          const wanted = { ...query, bucketSeconds };
          const found = await readBuckets(db, defaultTenant, wanted);
          assertSameBuckets(found, bucketsOf(all, wanted), `marked, by ${bucketSeconds}`);
        }
        await turn();
        assert.equal(told()!.marks, 0);
        for (
          const [table, bucketSeconds] of [["rollups_minute", 60], ["rollups_hour", hour]] as const
        ) {
          const stored = await storedBuckets(db, table, "a");
          assertSameBuckets(stored, bucketsOf(all, { ...query, bucketSeconds }), table);
        }
      }
    }
    clock.nowMs = noonMs + 2 * day * 1_000;
    await turn();
    assert.equal(told()!.rolledUntilMicros, afterNoon(47));
  },

  async "catches up on what there was before it, past years without a reading"(db) {
    await fresh(db);
    const years = [2003, 2004, 2019, 2024].map((year) => Date.UTC(year, 1, 29, 22) / 1_000);
    const old = years.flatMap((seconds) =>
      Array.from({ length: 30 }, (_, at) => readingRow("a", { seconds: seconds + at * 600 }))
    );
    await writeReadings(db, defaultTenant, old);
    const { turn, told } = jobAt(db, noonMs);
    const runs = await turn();
    assert(runs < 60, `it took ${runs} runs`);
    assert.deepEqual(told(), {
      rolledUntilMicros: afterNoon(-1),
      dueMicros: afterNoon(-1),
      marks: 0,
    });
    const all = { deviceId: "a", fromMicros: -Infinity, untilMicros: Infinity };
    for (const [table, bucketSeconds] of [["rollups_hour", hour], ["rollups_day", day]] as const) {
      const untilMicros = table === "rollups_day" ? afterNoon(-12) : Infinity;
      const stored = await storedBuckets(db, table, "a");
      assertSameBuckets(stored, bucketsOf(old, { ...all, untilMicros, bucketSeconds }), table);
    }
  },

  async "goes back to hours that readings came late to"(db) {
    await fresh(db);
    const { turn, told } = jobAt(db, noonMs + 64 * 60_000);
    await turn();
    const late = Array.from(
      { length: 150 },
      (_, at) => readingRow("b", { seconds: noonSeconds - (at + 1) * hour }),
    );
    await writeReadings(db, defaultTenant, late);
    assert(await turn() > 1, "they are more than one run takes");
    assert.equal(told()!.marks, 0);
    const all = { deviceId: "b", fromMicros: -Infinity, untilMicros: Infinity };
    assertSameBuckets(
      await storedBuckets(db, "rollups_hour", "b"),
      bucketsOf(late, { ...all, bucketSeconds: hour }),
      "hours",
    );
  },
});

eachServer("rollUpJob of several sessions", {
  async "rolls nothing up before those have ended who began to write unmarked"(db) {
    await fresh(db);
    const { clock, turn, told } = jobAt(db, noonMs + 64 * 60_000);
    await turn();
    const writer = await db.startTransaction().execute();
    await writeReadings(writer, defaultTenant, [readingRow("a")]);
    clock.nowMs = noonMs + 65 * 60_000;
    await turn();
    await turn();
    assert.equal(told()!.rolledUntilMicros, afterNoon(0));
    // Those who began since mark what they store; nobody waits for them.
    const next = await db.startTransaction().execute();
    await writeReadings(next, defaultTenant, [readingRow("b")]);
    await writer.commit().execute();
    await turn();
    assert.equal(told()!.rolledUntilMicros, afterNoon(1));
    assert.equal((await storedBuckets(db, "rollups_hour", "a")).length, 1);
    await next.commit().execute();
    await turn();
    assert.equal((await storedBuckets(db, "rollups_hour", "b")).length, 1);
  },

  async "leaves all to the one that is at it"(db) {
    const { run, told } = jobAt(db, noonMs);
    await onOneReplica(db, rollUpName, async () => assert.equal(await run(), "elsewhere"));
    assert.equal(told()!.rolledUntilMicros, -Infinity);
  },
});
