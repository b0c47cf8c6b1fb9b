import assert from "node:assert/strict";
import { type Kysely, sql } from "kysely";
import { valuesOf } from "#shared/telemetry/measures.ts";
import { defaultTenant, type TenantId } from "#shared/telemetry/tenant.ts";
import { compactor } from "../../../../tests/support/compactor.ts";
import { eachDatabase } from "../../../../tests/support/each_database.ts";
import { countRows } from "../../../../tests/support/store_rows.ts";
import type { ReadingPosition } from "../../readings/reading_row.ts";
import type { Database } from "../database.ts";
import { countPage, countUpTo, pageDeviceIds, pageParked } from "./count_run.ts";
import { packedMicros, packedRowBytes, packedValues } from "./packed_rows.ts";
import { pageRun, type RowPosition } from "./read_run.ts";
import type { OpenSpan } from "./span.ts";

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
      micros: packedMicros(view, row),
      tieBreak: view.getBigInt64(row + 8),
      parked: view.getUint8(row + 16) === 1,
    };
    seen.push([last.micros - startMicros, last.tieBreak, last.parked ? "parked" : "stored"]);
    assert.deepEqual(packedValues(view, row), measured);
  }
  return { seen, last };
}

const at = (second: number) => startMicros + second * 1_000_000;

async function register(db: Kysely<Database>, deviceIds: readonly string[]): Promise<void> {
  const described = { location: "", mac_address: "", ip_address: "", firmware: "" };
  const place = { latitude: 0, longitude: 0 };
  const times = { last_seen: new Date(0), described_at: new Date(0) };
  await db.insertInto("iot_devices")
    .values(deviceIds.map((device_id) => ({ device_id, ...described, ...place, ...times })))
    .execute();
}

/** How many rows each of the arrays holds. */
function rowsOf(pages: readonly Uint8Array[]): readonly number[] {
  return pages.map(({ byteLength }) => byteLength / packedRowBytes);
}

/** So many readings of a device, two of each second. */
async function fill(db: Kysely<Database>, table: string, deviceId: string, count: number) {
  await sql`insert into ${sql.table(table)}
    (device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
    select ${deviceId}, timestamptz 'epoch' + ${startMicros}::float8 * interval '1 microsecond'
      + n / 2 * interval '1 second', n % 2, 1.1, 22.2, 333.3, 44.4
    from generate_series(0, ${count}::int - 1) n`.execute(db);
}

async function packAll(db: Kysely<Database>): Promise<void> {
  const compaction = compactor(db);
  while (await compaction.step(new AbortController().signal) === "more");
  assert.equal(await countRows(db, "sensor_readings"), 0);
}

eachDatabase("read_run and count_run", {
  async "pageRun gives every row of the span once, page by page, stored and parked"(db) {
    await register(db, ["a", "b", "c"]);
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
    for (const form of ["rows", "packed", "both"]) {
      if (form === "packed") await packAll(db);
      if (form === "both") {
        await sql`insert into sensor_readings
          (device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
          select 'b', "timestamp", 7, 1.1, 22.2, 333.3, 44.4
          from parked_readings where tie_break = 2`.execute(db);
        rows.splice(4, 0, [1, 7n, "stored"]);
        rows.sort(([a, one], [b, other]) => a - b || (one > other ? 1 : one < other ? -1 : 0));
      }
      const whole = await pageRun(db, defaultTenant, { deviceIds, span, limit: 100 });
      assert.deepEqual(whole.map((packed) => unpack(packed).seen), [[], rows, []]);
      for (let limit = 1; limit <= rows.length; limit++) {
        let page = unpack(
          (await pageRun(db, defaultTenant, { deviceIds: ["b"], span, limit }))[0]!,
        );
        const seen = page.seen;
        while (page.seen.length === limit) {
          const after = page.last;
          page = unpack(
            (await pageRun(db, defaultTenant, { deviceIds: ["b"], span, after, limit }))[0]!,
          );
          seen.push(...page.seen);
        }
        assert.deepEqual(seen, rows, `pages of ${limit}, ${form}`);
      }
    }
  },
  async "pageRun gives of several devices up to a limit of each, known or not"(db) {
    await register(db, ["a", "b", "empty"]);
    await fill(db, "sensor_readings", "a", 5);
    await fill(db, "sensor_readings", "b", 2);
    await fill(db, "parked_readings", "b", 4);
    await fill(db, "parked_readings", "unknown", 3);
    const deviceIds = ["unknown", "none", "b", "empty", "a"];
    const span = { fromMicros: startMicros, untilMicros: at(60) };
    const page = (limit: number) => pageRun(db, defaultTenant, { deviceIds, span, limit });
    for (const form of ["rows", "packed"]) {
      if (form === "packed") await packAll(db);
      assert.deepEqual(rowsOf(await page(100)), [3, 0, 6, 0, 5], form);
      assert.deepEqual(rowsOf(await page(4)), [3, 0, 4, 0, 4], form);
      assert.deepEqual(rowsOf(await page(1)), [1, 0, 1, 0, 1], form);
      assert.deepEqual(await pageRun(db, defaultTenant, { deviceIds: [], span, limit: 1 }), []);
      const [, , both] = await page(4);
      assert.deepEqual(unpack(both!).seen, [
        [0, 0n, "stored"],
        [0, 0n, "parked"],
        [0, 1n, "stored"],
        [0, 1n, "parked"],
      ]);
    }
  },
  async "countUpTo counts each device's rows within a span, up to a limit"(db) {
    await register(db, ["a", "b"]);
    await fill(db, "sensor_readings", "a", 10);
    await fill(db, "sensor_readings", "b", 4);
    const deviceIds = ["b", "none", "a"];
    const count = (span: OpenSpan, limit = 100) =>
      countUpTo(db, defaultTenant, { deviceIds, span, limit });
    const as = (form: "rows" | "packed", counts: readonly number[]) =>
      counts.map((count) => ({ rows: 0, packed: 0, [form]: count }));
    const within = { fromMicros: at(1), untilMicros: at(4) };
    assert.deepEqual(await count({}), as("rows", [4, 0, 10]));
    assert.deepEqual(await count({}, 5), as("rows", [4, 0, 5]));
    assert.deepEqual(await count(within), as("rows", [2, 0, 6]));
    assert.deepEqual(await count({ untilMicros: at(0) }), as("rows", [0, 0, 0]));
    assert.deepEqual(await countUpTo(db, defaultTenant, { deviceIds: [], span: {}, limit: 9 }), []);
    await packAll(db);
    assert.deepEqual(await count({}), as("packed", [4, 0, 10]));
    assert.deepEqual(await count(within), as("packed", [2, 0, 6]));
    assert.deepEqual(await count({ fromMicros: at(1) }), as("packed", [2, 0, 8]));
    assert.deepEqual(await count({ untilMicros: at(1) }), as("packed", [2, 0, 2]));
    assert.deepEqual(await count({ untilMicros: at(0) }), as("packed", [0, 0, 0]));
  },
  async "countPage counts a device's rows once, whatever the pages"(db) {
    await register(db, ["a", "b", "c"]);
    for (const [deviceId, rows] of [["a", 7], ["b", 5], ["c", 3]] as const) {
      await fill(db, "sensor_readings", deviceId, rows);
    }
    const countAll = async (deviceId: string, limit: number, span: OpenSpan = {}) => {
      let total = 0;
      let after: ReadingPosition | undefined;
      do {
        const page = { deviceId, span, after, limit };
        const { count, last } = await countPage(db, defaultTenant, page);
        assert.ok(count <= limit);
        total += count;
        after = last;
      } while (after !== undefined);
      return total;
    };
    for (const limit of [1, 2, 5, 7, 8]) {
      assert.equal(await countAll("b", limit), 5, `pages of ${limit}`);
      const span = { fromMicros: at(1), untilMicros: at(3) };
      assert.equal(await countAll("a", limit, span), 4);
      assert.equal(await countAll("a", limit, { fromMicros: at(1) }), 5);
      assert.equal(await countAll("none", limit), 0);
    }
  },
  async "pageParked counts what each device has parked, page by page"(db) {
    await fill(db, "parked_readings", "x", 9);
    await fill(db, "parked_readings", "Y", 2);
    const span = { fromMicros: at(1), untilMicros: at(3) };
    const first = await pageParked(db, defaultTenant, { span, after: "", limit: 1 });
    assert.deepEqual(first, [{ deviceId: "Y", all: 2, withinSpan: 0 }]);
    assert.deepEqual(await pageParked(db, defaultTenant, { span, after: "Y", limit: 9 }), [
      { deviceId: "x", all: 9, withinSpan: 4 },
    ]);
    assert.deepEqual(await pageParked(db, defaultTenant, { span, after: "x", limit: 9 }), []);
  },
  async "pages of ids come in order, to the end"(db) {
    await register(db, ["b", "A", "ç", "a"]);
    const page = (after: string) => pageDeviceIds(db, defaultTenant, { after, limit: 3 });
    assert.deepEqual(await page(""), ["A", "a", "b"]);
    assert.deepEqual(await page("b"), ["ç"]);
  },
  async "each statement sees one tenant's rows alone"(db) {
    await sql`insert into tenants values (7, 'other') on conflict do nothing`.execute(db);
    const other: TenantId = 7;
    await register(db, ["own", "more"]);
    await fill(db, "sensor_readings", "own", 3);
    await fill(db, "parked_readings", "own", 2);
    const span = { fromMicros: startMicros, untilMicros: at(60) };
    const page = { deviceIds: ["own", "more"], span, limit: 9 };
    const counted = async (tenantId: TenantId) => ({
      one: rowsOf(await pageRun(db, tenantId, { ...page, deviceIds: ["own"] })),
      several: rowsOf(await pageRun(db, tenantId, page)),
      upTo: (await countUpTo(db, tenantId, page)).map(({ rows, packed }) => rows + packed),
      page: (await countPage(db, tenantId, {
        deviceId: "own",
        span,
        after: undefined,
        limit: 9,
      })).count,
      ids: await pageDeviceIds(db, tenantId, { after: "", limit: 9 }),
      parked: (await pageParked(db, tenantId, { span, after: "", limit: 9 })).length,
    });
    for (const form of ["rows", "packed"]) {
      if (form === "packed") await packAll(db);
      assert.deepEqual(await counted(defaultTenant), {
        one: [5],
        several: [5, 0],
        upTo: [3, 0],
        page: form === "rows" ? 3 : 0,
        ids: ["more", "own"],
        parked: 1,
      });
      assert.deepEqual(await counted(other), {
        one: [0],
        several: [0, 0],
        upTo: [0, 0],
        page: 0,
        ids: [],
        parked: 0,
      });
    }
  },
});
