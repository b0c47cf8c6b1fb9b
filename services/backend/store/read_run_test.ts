import assert from "node:assert/strict";
import { sql } from "kysely";
import { eachDatabase } from "../../../tests/support/each_database.ts";
import {
  countOutside,
  countParked,
  packedRowBytes,
  pageRun,
  type RowPosition,
} from "./read_run.ts";

const startMicros = 1_768_435_200_000_000;

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
    assert.equal(view.getFloat64(row + 17), 1.1);
    assert.equal(view.getFloat64(row + 25), 22.2);
    assert.equal(view.getFloat64(row + 33), 333.3);
    assert.equal(view.getFloat64(row + 41), 44.4);
  }
  return { seen, last };
}

eachDatabase("read_run", {
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
    assert.equal(await countOutside(db, deviceIds, span), 2);
    assert.equal(await countOutside(db, ["a", "c"], span), 0);
    assert.equal(await countParked(db), 4);
  },
});
