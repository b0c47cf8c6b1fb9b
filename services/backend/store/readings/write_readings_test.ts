import assert from "node:assert/strict";
import { sql } from "kysely";
import { valuesOf } from "#shared/telemetry/measures.ts";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { eachDatabase, postgresTest } from "../../../../tests/support/each_database.ts";
import {
  countRows,
  device,
  noonSeconds,
  readingRow,
} from "../../../../tests/support/store_rows.ts";
import { waitUntil } from "../../../../tests/support/wait_until.ts";
import { writeFailure } from "../connection/write_failure.ts";
import { writeDevices } from "../devices/write_devices.ts";
import { KnownDevices } from "./known_devices.ts";
import { pageReadings } from "./page_readings.ts";
import { writeReadings } from "./write_readings.ts";

const all = { before: undefined, limit: 1_000 };

/** Ids that quoting, sorting or encoding could get wrong. */
const strangeIds = [
  "sensor 🌡️",
  "חיישן-١",
  `'"; drop table iot_devices; --`,
  "back\\slash\\u0041\\",
  "line\u2028paragraph\u2029",
  "\u{1d49c}".repeat(255),
  "é",
  "e\u0301",
  "bom\ufeff",
  "\ufffd",
  "null",
  " ",
  "%_",
];

eachDatabase("writeReadings", {
  async "stores a reading that comes again once"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    const row = readingRow("a");
    assert.deepEqual(await writeReadings(db, defaultTenant, [row]), { stored: 1, parked: 0 });
    assert.deepEqual(await writeReadings(db, defaultTenant, [row]), { stored: 0, parked: 0 });
    assert.deepEqual(await writeReadings(db, defaultTenant, [row, row, row]), {
      stored: 0,
      parked: 0,
    });
    assert.equal(await countRows(db, "sensor_readings"), 1);
  },

  async "stores a reading that is in one batch twice once"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    const rows = [readingRow("a"), readingRow("b"), readingRow("a"), readingRow("b")];
    assert.deepEqual(await writeReadings(db, defaultTenant, rows), { stored: 1, parked: 1 });
  },

  async "stores readings of one second that differ in any one value"(db) {
    await writeDevices(db, defaultTenant, [device("a"), device("b")]);
    const rows = [
      readingRow("a"),
      readingRow("b"),
      readingRow("a", { temperature: 20.000000000000004 }),
      readingRow("a", { humidity: 51 }),
      readingRow("a", { pressure: 1_001 }),
      readingRow("a", { batteryLevel: 50 }),
      readingRow("a", { humidity: 20, temperature: 50 }),
      readingRow("a", { nanos: 1 }),
      readingRow("a", { nanos: 1_000 }),
      readingRow("a", { seconds: noonSeconds + 1 }),
    ];
    assert.deepEqual(await writeReadings(db, defaultTenant, rows), {
      stored: rows.length,
      parked: 0,
    });
  },

  async "orders readings by nanoseconds, below a microsecond too"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    const nanos = [0, 1, 2, 999, 1_000, 1_001, 500_000_000, 999_999_998, 999_999_999];
    const rows = nanos.map((nanos, at) => readingRow("a", { nanos, temperature: 0 - at }));
    await writeReadings(db, defaultTenant, [...rows].reverse());
    const found = await pageReadings(db, defaultTenant, { deviceId: "a", ...all });
    assert.deepEqual(found.map(({ reading }) => reading.nanos), [...nanos].reverse());
    assert.deepEqual(
      found.map(({ reading }) => reading.temperature),
      nanos.map((_, at) => 0 - at).reverse(),
    );
  },

  async "gives back every value to the bit"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    const tomorrow = Math.floor(Date.now() / 1_000) + 86_400;
    const measured = [
      { temperature: -90, humidity: 0, pressure: 300, batteryLevel: 0 },
      { temperature: 150, humidity: 100, pressure: 1_100, batteryLevel: 100 },
      { temperature: 0.1 + 0.2, humidity: 5e-324, pressure: 1_099.9999999999998 },
      { temperature: -5e-324, humidity: Number.MIN_VALUE, batteryLevel: 2 ** -1022 },
      { temperature: 1 / 3, humidity: 100 / 7, pressure: Math.PI * 300, batteryLevel: Math.E },
      { seconds: 946_684_800, nanos: 0 },
      { seconds: 946_684_800, nanos: 999_999_999 },
      { seconds: tomorrow, nanos: 999_999_999 },
      { seconds: 1_709_251_199, nanos: 123_456_789 },
    ];
    const rows = measured.map((values) => readingRow("a", values));
    await writeReadings(db, defaultTenant, rows);
    const found = await pageReadings(db, defaultTenant, { deviceId: "a", ...all });
    const key = (row: object) => JSON.stringify(row, (_, v) => typeof v === "bigint" ? `${v}` : v);
    assert.deepEqual(
      found.map(({ reading, position }) =>
        key({
          values: valuesOf(reading),
          at: `${reading.timestamp}.${reading.nanos}`,
          tieBreak: String(position.tieBreak),
        })
      ).sort(),
      measured.map((values, at) =>
        key({
          values: rows[at]!.values,
          at: `${values.seconds ?? noonSeconds}.${values.nanos ?? 0}`,
          tieBreak: String(rows[at]!.tieBreak),
        })
      ).sort(),
    );
  },

  async "parks readings of unknown devices, each once, and the others are stored"(db) {
    await writeDevices(db, defaultTenant, [device("known")]);
    const rows = [readingRow("known"), readingRow("new"), readingRow("new", { nanos: 5 })];
    assert.deepEqual(await writeReadings(db, defaultTenant, rows), { stored: 1, parked: 2 });
    assert.deepEqual(await writeReadings(db, defaultTenant, rows), { stored: 0, parked: 0 });
    assert.equal(await countRows(db, "parked_readings"), 2);
  },

  async "keeps devices of any script apart"(db) {
    const rows = strangeIds.map((id) => readingRow(id));
    assert.deepEqual(await writeReadings(db, defaultTenant, rows), {
      stored: 0,
      parked: strangeIds.length,
    });
    const released = await writeDevices(db, defaultTenant, strangeIds.map((id) => device(id)));
    assert.equal(released.deviceIds.length, strangeIds.length);
    assert.deepEqual(await writeReadings(db, defaultTenant, rows), { stored: 0, parked: 0 });
    for (const id of strangeIds) {
      const [only, ...more] = await pageReadings(db, defaultTenant, { deviceId: id, ...all });
      assert.deepEqual([only?.reading.deviceId, more.length], [id, 0]);
    }
  },

  async "does not look up devices that it knows, with the same outcome"(db) {
    const known = new KnownDevices();
    await writeDevices(db, defaultTenant, [device("a"), device("b")]);
    const rows = [readingRow("a"), readingRow("b"), readingRow("new")];
    assert.deepEqual(await writeReadings(db, defaultTenant, rows, known), { stored: 2, parked: 1 });
    assert.deepEqual(["a", "b", "new"].map((id) => known.has(id)), [true, true, false]);
    const more = [readingRow("b", { nanos: 1 }), readingRow("a"), readingRow("b", { nanos: 1 })];
    assert.deepEqual(await writeReadings(db, defaultTenant, more, known), { stored: 1, parked: 0 });
    assert.equal(await countRows(db, "sensor_readings"), 3);
  },

  async "knows from the start what is registered, and nothing while the database is away"(db) {
    const ids = Array.from({ length: 12_000 }, (_, at) => `d${at}`);
    await writeDevices(db, defaultTenant, ids.map((id) => device(id)));
    const known = await KnownDevices.load(db, defaultTenant);
    assert.ok(ids.every((id) => known.has(id)));
    assert.equal(known.has("other"), false);
    const nowhere = db.withSchema("nowhere");
    assert.equal((await KnownDevices.load(nowhere, defaultTenant)).has("d1"), false);
  },

  async "parks readings of a device that it knew and somebody deleted"(db) {
    const known = new KnownDevices();
    await writeDevices(db, defaultTenant, [device("a"), device("going")]);
    await writeReadings(db, defaultTenant, [readingRow("a")], known);
    known.add("going");
    await sql`delete from iot_devices where device_id = 'going'`.execute(db);
    const rows = [readingRow("a", { nanos: 1 }), readingRow("going")];
    assert.deepEqual(await writeReadings(db, defaultTenant, rows, known), { stored: 1, parked: 1 });
    assert.deepEqual(["a", "going"].map((id) => known.has(id)), [true, false]);
  },

  async "takes an empty batch"(db) {
    assert.deepEqual(await writeReadings(db, defaultTenant, []), { stored: 0, parked: 0 });
    assert.deepEqual(await writeReadings(db, defaultTenant, [], new KnownDevices()), {
      stored: 0,
      parked: 0,
    });
  },
});

// Citus writes the shards of a batch side by side: of two with the same rows it may end one there.
postgresTest("writeReadings from several sessions, on PostgreSQL", {
  async "stores each row once and does not deadlock"(db) {
    const ids = Array.from({ length: 40 }, (_, at) => `d${at}`);
    // Half of them unknown, so that both tables are fought over; two know the others, two look.
    await writeDevices(db, defaultTenant, ids.slice(0, 20).map((id) => device(id)));
    const known = new KnownDevices();
    const perRound = 250;
    const rounds = 4;
    let written = 0;
    for (let round = 0; round < rounds; round++) {
      const rows = ids.flatMap((id) =>
        Array.from(
          { length: perRound },
          (_, at) => readingRow(id, { seconds: noonSeconds + round * perRound + at }),
        )
      );
      // All at once, each in an order of its own.
      const results = await Promise.all(
        [0, 1, 2, 3].map((writer) =>
          writeReadings(
            db,
            defaultTenant,
            shuffled(rows, round * 4 + writer),
            writer % 2 ? known : undefined,
          )
        ),
      );
      for (const { stored, parked } of results) written += stored + parked;
    }
    assert.equal(written, ids.length * perRound * rounds);
    assert.equal(await countRows(db, "sensor_readings"), written / 2);
    assert.equal(await countRows(db, "parked_readings"), written / 2);
  },
});

postgresTest("writeReadings beside a deletion", {
  async "reports a device that vanished, so that the batch is tried again"(db) {
    await writeDevices(db, defaultTenant, [device("going")]);
    const { write } = await db.transaction().execute(async (transaction) => {
      await sql`delete from iot_devices`.execute(transaction);
      const write = writeReadings(db, defaultTenant, [readingRow("going")]).catch((error) => error);
      await waitUntil(async () => {
        const { rows } = await sql`select from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`.execute(db);
        return rows.length > 0;
      }, { what: "the write to wait for the deletion" });
      return { write };
    });
    const error = await write;
    assert.equal(error.code, "23503");
    assert.equal(writeFailure(error), "retry");
    assert.deepEqual(await writeReadings(db, defaultTenant, [readingRow("going")]), {
      stored: 0,
      parked: 1,
    });
  },
});

function shuffled<Item>(items: readonly Item[], seed: number): Item[] {
  let state = seed + 1;
  const random = () => (state = Math.imul(state, 1_103_515_245) + 12_345 >>> 0) / 2 ** 32;
  return items.map((item) => ({ item, at: random() })).sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
