import assert from "node:assert/strict";
import { type Kysely, sql } from "kysely";
import { valuesOf } from "#shared/telemetry/measures.ts";
import { eachDatabase } from "../../../../tests/support/each_database.ts";
import type { Database } from "../database.ts";
import type { ReadingKey } from "../readings/reading_key.ts";
import { countPage, countUpTo, pageDeviceIds, pageParkedIds } from "./count_run.ts";
import { packedRowBytes, packedValues } from "./packed_rows.ts";
import { pageRun, type RowPosition } from "./read_run.ts";

const startMicros = 1_768_435_200_000_000;

const measured = valuesOf({
  temperature: 1.1,
  humidity: 22.2,
  pressure: 333.3,
  batteryLevel: 44.4,
});

/** Micros past the start, tie break, and where it is. */
type Seen = readonly [number, bigint, "stored" | "parked"];

function unpack(packed: Uint8Array): { readonly seen: Seen[]; readonly last: RowPosition } {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const seen: Seen[] = [];
  let last: RowPosition = { micros: 0, tieBreak: 0n, parked: false };
  for (let row = 0; row < packed.byteLength; row += packedRowBytes) {
    last = {
      micros: Number(view.getBigInt64(row)),
      tieBreak: view.getBigInt64(row + 8),
      parked: view.getUint8(row + 16) === 1,
    };
    seen.push([last.micros - startMicros, last.tieBreak, last.parked ? "parked" : "stored"]);
    assert.deepEqual(packedValues(view, row), measured);
  }
  return { seen, last };
}

const at = (second: number) => startMicros + second * 1_000_000;

/** So many readings of a device, two of each second. */
async function fill(db: Kysely<Database>, table: string, deviceId: string, count: number) {
  await sql`insert into ${sql.table(table)}
    (device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
    select ${deviceId}, timestamptz 'epoch' + ${startMicros}::float8 * interval '1 microsecond'
      + n / 2 * interval '1 second', n % 2, 1, 2, 3, 4
    from generate_series(0, ${count}::int - 1) n`.execute(db);
}

eachDatabase("read_run and count_run", {
  async "pageRun gives every row of the span once, page by page, stored and parked"(db) {
    await sql`insert into iot_devices
      select id, '', '', '', '', 0, 0, now(), now() from unnest(array['a', 'b', 'c']) id`
      .execute(db);
    const rows: Seen[] = [
      [0, 5n, "stored"],
      [0, 6n, "stored"],
      [0, 6n, "parked"],
      [1, 2n, "parked"],
      [1, 3n, "stored"],
      [1, 9_223_372_036_854_775_807n, "parked"],
      [7, 1n, "stored"],
      [8, 0n, "stored"],
    ];
    for (
      const [past, tieBreak, place] of [[-1, 1n, "stored"], [9, 1n, "parked"], ...rows] as Seen[]
    ) {
      const table = sql.table(place === "stored" ? "sensor_readings" : "parked_readings");
      await sql`insert into ${table}
        (device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
        values ('b', timestamptz 'epoch' + ${startMicros + past}::float8 * interval '1 microsecond',
          ${String(tieBreak)}::bigint, 1.1, 22.2, 333.3, 44.4)`.execute(db);
    }
    const span = { fromMicros: startMicros, untilMicros: startMicros + 9 };
    const deviceIds = ["c", "b", "a"];
    const whole = await pageRun(db, { deviceIds, span, limit: 100 });
    assert.deepEqual(whole.map((packed) => unpack(packed).seen), [[], rows, []]);
    for (let limit = 1; limit <= rows.length; limit++) {
      let page = unpack((await pageRun(db, { deviceIds: ["b"], span, limit }))[0]!);
      const seen = page.seen;
      while (page.seen.length === limit) {
        const after = page.last;
        page = unpack((await pageRun(db, { deviceIds: ["b"], span, after, limit }))[0]!);
        seen.push(...page.seen);
      }
      assert.deepEqual(seen, rows, `pages of ${limit}`);
    }
  },
  async "countUpTo counts each device's rows within a span, up to a limit"(db) {
    await sql`insert into iot_devices
      select id, '', '', '', '', 0, 0, now(), now() from unnest(array['a', 'b']) id`.execute(db);
    await fill(db, "sensor_readings", "a", 10);
    await fill(db, "sensor_readings", "b", 4);
    const deviceIds = ["b", "none", "a"];
    const count = (span: { fromMicros?: number; untilMicros?: number }, limit = 100) =>
      countUpTo(db, "sensor_readings", { deviceIds, span, limit });
    assert.deepEqual(await count({}), [4, 0, 10]);
    assert.deepEqual(await count({}, 5), [4, 0, 5]);
    assert.deepEqual(await count({ fromMicros: at(1), untilMicros: at(4) }), [2, 0, 6]);
    assert.deepEqual(await count({ untilMicros: at(0) }), [0, 0, 0]);
    assert.deepEqual(
      await countUpTo(db, "parked_readings", { deviceIds, span: {}, limit: 9 }),
      [0, 0, 0],
    );
    assert.deepEqual(
      await countUpTo(db, "sensor_readings", { deviceIds: [], span: {}, limit: 9 }),
      [],
    );
  },
  async "countPage counts everything once, whatever the pages"(db) {
    for (const [deviceId, rows] of [["a", 7], ["b", 5], ["ç", 3]] as const) {
      await fill(db, "parked_readings", deviceId, rows);
    }
    const countAll = async (
      limit: number,
      which: Partial<Parameters<typeof countPage>[2]> = {},
    ) => {
      let total = 0;
      let after: ReadingKey | undefined;
      do {
        const { count, last } = await countPage(db, "parked_readings", { ...which, after, limit });
        assert.ok(count <= limit);
        total += count;
        after = last;
      } while (after !== undefined);
      return total;
    };
    for (const limit of [1, 2, 7, 15, 16]) {
      assert.equal(await countAll(limit), 15, `pages of ${limit}`);
      assert.equal(await countAll(limit, { deviceId: "b" }), 5);
      const span = { fromMicros: at(1), untilMicros: at(3) };
      assert.equal(await countAll(limit, { deviceId: "a", span }), 4);
    }
  },
  async "pages of ids come in order, to the end"(db) {
    await sql`insert into iot_devices
      select id, '', '', '', '', 0, 0, now(), now() from unnest(array['b', 'A', 'ç', 'a']) id`
      .execute(db);
    for (const id of ["x", "Y"]) await fill(db, "parked_readings", id, 3);
    assert.deepEqual(await pageDeviceIds(db, { after: "", limit: 3 }), ["A", "a", "b"]);
    assert.deepEqual(await pageDeviceIds(db, { after: "b", limit: 3 }), ["ç"]);
    assert.deepEqual(await pageParkedIds(db, { after: "", limit: 1 }), ["Y"]);
    assert.deepEqual(await pageParkedIds(db, { after: "Y", limit: 9 }), ["x"]);
  },
});
