import assert from "node:assert/strict";
import type { Kysely } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { eachDatabase } from "../../../../tests/support/each_database.ts";
import { compactor } from "../../../../tests/support/compactor.ts";
import {
  countRows,
  device,
  noonSeconds,
  readingRow,
} from "../../../../tests/support/store_rows.ts";
import type { ReadingPosition, ReadingRow } from "../../readings/reading_row.ts";
import type { Database } from "../database.ts";
import { writeDevices } from "../devices/write_devices.ts";
import { dayOf } from "../partitions/days.ts";
import { pageReadings } from "./page_readings.ts";
import type { PlacedReading } from "../rows/placed_reading.ts";
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
function keysOf(rows: readonly ReadingRow[]): string[] {
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

  async "visits each reading once, whether it is a row, of a closed day, packed, or late"(db) {
    await writeDevices(db, defaultTenant, [device("a"), device("b")]);
    const startOfToday = dayOf(Date.now() * 1_000) / 1_000_000;
    // Each day has more than one chunk holds, and some of one instant.
    const rows = Array.from(
      { length: 12_000 },
      (_, at) =>
        readingRow("a", { seconds: startOfToday - (at >> 1) * 100, temperature: at / 100 }),
    );
    for (let at = 0; at < rows.length; at += 2_000) {
      await writeReadings(db, defaultTenant, rows.slice(at, at + 2_000));
    }
    const keys = keysOf(rows);
    const isWhole = async (when: string) => {
      for (const limit of [700, 20_000]) {
        assert.deepEqual((await traverse(db, "a", limit)).map(keyOf), keys, `${when}, by ${limit}`);
      }
      assert.deepEqual(await traverse(db, "b", 10), []);
    };
    await isWhole("as rows");
    const compaction = compactor(db);
    while (await compaction.step(new AbortController().signal) === "more") await isWhole("between");
    assert.equal(await countRows(db, "closed_readings"), 0);
    assert.ok(await countRows(db, "sensor_readings") < 2_000);
    await isWhole("packed");
    // What is packed comes again, and something new of those days.
    const late = Array.from(
      { length: 50 },
      (_, at) =>
        readingRow("a", { seconds: startOfToday - at * 10_000 - 86_401, temperature: -30 }),
    );
    const again = await writeReadings(db, defaultTenant, [...rows.slice(-500), ...late]);
    assert.deepEqual(again, { stored: late.length, parked: 0 });
    keys.splice(0, keys.length, ...keysOf([...rows, ...late]));
    await isWhole("with late ones");
    while (await compaction.step(new AbortController().signal) === "more") await isWhole("merging");
    await isWhole("merged");
    const none = await writeReadings(db, defaultTenant, [...rows.slice(-500), ...late]);
    assert.deepEqual(none, { stored: 0, parked: 0 });
  },

  async "goes on before a chunk's first reading, however few are asked for"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    const startOfToday = dayOf(Date.now() * 1_000) / 1_000_000;
    // Some days of one reading each, one of them at its very beginning.
    const rows = [3, 4, 5, 8, 12].map((days) =>
      readingRow("a", { seconds: startOfToday - days * 86_400 })
    );
    await writeReadings(db, defaultTenant, rows);
    const compaction = compactor(db);
    while (await compaction.step(new AbortController().signal) === "more");
    assert.equal(await countRows(db, "sensor_readings"), 0);
    for (const limit of [1, 2]) {
      assert.deepEqual((await traverse(db, "a", limit)).map(keyOf), keysOf(rows));
    }
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
