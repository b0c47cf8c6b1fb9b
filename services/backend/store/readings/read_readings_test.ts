import assert from "node:assert/strict";
import type { Kysely } from "kysely";
import { eachDatabase } from "../../../../tests/support/each_database.ts";
import { device, noonSeconds, readingRow } from "../../../../tests/support/store_rows.ts";
import type { ReadingPosition, ReadingRow } from "../../readings/reading_row.ts";
import type { Database } from "../database.ts";
import { writeDevices } from "../devices/write_devices.ts";
import { defaultTenant } from "../../readings/tenant.ts";
import { latestReadings, pageReadings, type PlacedReading } from "./read_readings.ts";
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
  async "gives the newest of each device that has one, in the order asked for"(db) {
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
      latest.map(({ reading: { deviceId, timestamp, nanos, temperature } }) => [
        deviceId,
        timestamp,
        nanos,
        temperature,
      ]),
      ["c", "a", "b"].map((id) => [id, BigInt(noonSeconds), 12, 1]),
    );
    assert.deepEqual(await latestReadings(db, defaultTenant, []), []);
  },

  async "says when each device reported of late"(db) {
    await writeDevices(db, defaultTenant, [device("slow"), device("new")]);
    const rows = Array.from(
      { length: 12 },
      (_, at) => readingRow("slow", { seconds: noonSeconds - 600 * at, nanos: 500_000_000 }),
    );
    await writeReadings(db, defaultTenant, [...rows, readingRow("new")]);
    const [slow, fresh] = await latestReadings(db, defaultTenant, ["slow", "new"]);
    assert.deepEqual(
      slow!.recentSeconds,
      Array.from({ length: 8 }, (_, at) => noonSeconds - 600 * at + 0.5),
    );
    assert.deepEqual(fresh!.recentSeconds, [noonSeconds]);
  },
});
