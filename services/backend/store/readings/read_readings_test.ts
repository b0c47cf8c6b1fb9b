import assert from "node:assert/strict";
import type { Kysely } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { eachDatabase } from "../../../../tests/support/each_database.ts";
import { device, noonSeconds, readingRow } from "../../../../tests/support/store_rows.ts";
import type { ReadingPosition, ReadingRow } from "../../readings/reading_row.ts";
import type { Database } from "../database.ts";
import { writeDevices } from "../devices/write_devices.ts";
import { lastInstants, latestReadings, pageReadings, type PlacedReading } from "./read_readings.ts";
import { writeReadings } from "./write_readings.ts";

/** Reads page after page to the end; `between` runs after each. */
async function traverse(
  db: Kysely<Database>,
  deviceId: string,
  limit: number,
  between: () => Promise<unknown> = () => Promise.resolve(),
): Promise<PlacedReading[]> {
  const found: PlacedReading[] = [];
  let before: ReadingPosition | undefined;
  for (;;) {
    const page = await pageReadings(db, defaultTenant, { deviceId, before, limit });
    found.push(...page);
    if (page.length < limit) return found;
    before = page.at(-1)!.position;
    await between();
  }
}

/** Newest first, as pages are. */
function keysOf(rows: readonly ReadingRow[]): readonly string[] {
  return rows
    .toSorted((a, b) => b.micros - a.micros || (b.tieBreak > a.tieBreak ? 1 : -1))
    .map(({ micros, tieBreak }) => `${micros} ${tieBreak}`);
}

const keyOf = ({ position }: PlacedReading) => `${position.micros} ${position.tieBreak}`;

eachDatabase("pageReadings", {
  async "visits each reading once, newest first, with ties in one microsecond"(db) {
    await writeDevices(db, defaultTenant, [device("a"), device("b")]);
    const rows = Array.from({ length: 300 }, (_, at) =>
      readingRow("a", {
        // Ten in each instant, of which some differ only below a microsecond.
        seconds: noonSeconds + Math.floor(at / 20),
        nanos: Math.floor(at / 10) % 2 === 0 ? 5_000 : 5_000 + (at % 10) * 111,
        temperature: at / 7,
      }));
    await writeReadings(db, defaultTenant, [
      ...rows,
      ...rows.map((row) => ({ ...row, deviceId: "b" })),
    ]);
    for (const limit of [1, 7, 10, 300, 1_000]) {
      const found = await traverse(db, "a", limit);
      assert.deepEqual(found.map(keyOf), keysOf(rows), `pages of ${limit}`);
      assert.ok(found.every(({ reading }) => reading.deviceId === "a"));
    }
  },

  async "visits each reading that was there at the start once, while new ones arrive"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    const rows = Array.from(
      { length: 100 },
      (_, at) => readingRow("a", { seconds: noonSeconds + Math.floor(at / 3), temperature: at }),
    );
    await writeReadings(db, defaultTenant, rows);
    let arrived = 0;
    const found = await traverse(db, "a", 9, () => {
      arrived++;
      // One newer than all, and one as new as the oldest that is still to come.
      return writeReadings(db, defaultTenant, [
        readingRow("a", { seconds: noonSeconds + 1_000 + arrived }),
        readingRow("a", { seconds: noonSeconds, temperature: -arrived }),
      ]);
    });
    const keys = found.map(keyOf);
    const old = new Set(keysOf(rows));
    assert.deepEqual(keys.filter((key) => old.has(key)), keysOf(rows));
    assert.equal(new Set(keys).size, keys.length);
    assert.ok(found.every(({ reading }) => reading.timestamp < noonSeconds + 1_000));
  },

  async "is empty for a device that has none, or is unknown"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    for (const deviceId of ["a", "unknown"]) {
      assert.deepEqual(
        await pageReadings(db, defaultTenant, { deviceId, before: undefined, limit: 5 }),
        [],
      );
    }
  },
});

eachDatabase("latestReadings", {
  async "gives the newest of each device that has one"(db) {
    const ids = ["c", "a", "silent", "b"];
    await writeDevices(db, defaultTenant, ids.map((id) => device(id)));
    await writeReadings(
      db,
      defaultTenant,
      ["a", "b", "c"].flatMap((id) => [
        readingRow(id, { nanos: 7 }),
        readingRow(id, { nanos: 12, temperature: 1 }),
        readingRow(id, { seconds: noonSeconds - 1, nanos: 999_999_999 }),
      ]),
    );
    const latest = await latestReadings(db, defaultTenant, [...ids, "unknown"]);
    assert.deepEqual(
      [...latest].map((
        [id, { reading: { deviceId, timestamp, nanos, temperature } }],
      ) => [id, deviceId, timestamp, nanos, temperature]).sort(),
      ["a", "b", "c"].map((id) => [id, id, BigInt(noonSeconds), 12, 1]),
    );
    assert.deepEqual(await latestReadings(db, defaultTenant, []), new Map());
  },

  async "says how often each device reports, by its newest few"(db) {
    await writeDevices(db, defaultTenant, [device("slow"), device("new")]);
    const rows = Array.from(
      { length: 12 },
      (_, at) => readingRow("slow", { seconds: noonSeconds - (at < 8 ? 600 * at : 6_000 + at) }),
    );
    await writeReadings(db, defaultTenant, [...rows, readingRow("new")]);
    const latest = await latestReadings(db, defaultTenant, ["slow", "new"]);
    assert.equal(latest.get("slow")!.typicalIntervalSeconds, 600);
    assert.equal(latest.get("new")!.typicalIntervalSeconds, undefined);
  },
});

eachDatabase("lastInstants", {
  async "gives the newest instant that has come of each device that has one"(db) {
    await writeDevices(db, defaultTenant, ["a", "ahead", "silent"].map((id) => device(id)));
    const ahead = Math.floor(Date.now() / 1_000) + 3_600;
    await writeReadings(db, defaultTenant, [
      readingRow("a", { seconds: noonSeconds + 1, nanos: 999_999_999 }),
      readingRow("a", { seconds: noonSeconds - 1 }),
      readingRow("a", { seconds: ahead }),
      readingRow("ahead", { seconds: ahead }),
    ]);
    const last = await lastInstants(db, defaultTenant, ["a", "ahead", "silent", "unknown"]);
    assert.deepEqual(last, new Map([["a", noonSeconds + 1]]));
  },
});
