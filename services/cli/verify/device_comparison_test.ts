import assert from "node:assert/strict";
import fc from "fast-check";
import { type Measured, measures, valuesOf } from "#shared/telemetry/measures.ts";
import { packedAt, packedRowBytes, setPackedMicros } from "../../backend/store/runs/packed_rows.ts";
import { DeviceComparison, type Found } from "./device_comparison.ts";

const firstUs = 1_768_435_200_000_000;
const intervalUs = 5_000_000;

/** A turn's reading, told apart from any other's by its temperature. */
function readingAt(instantUs: number): Measured {
  const turn = (instantUs - firstUs) / intervalUs;
  return { temperature: turn / 100, humidity: 50, pressure: 1_000, batteryLevel: 90 };
}

interface Row {
  readonly micros: number;
  readonly tieBreak?: bigint;
  readonly parked?: boolean;
  readonly measured: Measured;
}

/** The rows of turns, whole. */
function stored(...turns: readonly number[]): Row[] {
  return turns.map((turn) => firstUs + turn * intervalUs)
    .map((micros) => ({ micros, measured: readingAt(micros) }));
}

function pack(rows: readonly Row[]): Uint8Array {
  const packed = new Uint8Array(rows.length * packedRowBytes);
  const view = new DataView(packed.buffer);
  for (const [at, { micros, tieBreak = 7n, parked = false, measured }] of rows.entries()) {
    const row = at * packedRowBytes;
    setPackedMicros(view, row, micros);
    view.setBigInt64(row + 8, tieBreak);
    view.setUint8(row + 16, parked ? 1 : 0);
    for (const [at, value] of valuesOf(measured).entries()) {
      view.setFloat64(row + packedAt.values + 8 * at, value ?? NaN);
    }
  }
  return packed;
}

function compare(count: number, ...pages: readonly (readonly Row[])[]) {
  return compareDropped(-Infinity, count, ...pages);
}

/** As `compare`, with readings of before a turn gone. */
function compareDropped(
  untilTurn: number,
  count: number,
  ...pages: readonly (readonly Row[])[]
) {
  const told: number[] = [];
  const found: Found[] = [];
  const comparison = new DeviceComparison({
    turns: { firstUs, intervalUs, count },
    readingAt,
    onDifference: (difference) => found.push(difference),
    onTurn(instantUs, published) {
      assert.deepEqual(published, valuesOf(readingAt(instantUs)));
      told.push((instantUs - firstUs) / intervalUs);
    },
  });
  const gone = [{ fromMicros: -Infinity, untilMicros: firstUs + untilTurn * intervalUs }];
  for (const page of pages) comparison.take(pack(page), gone);
  comparison.finish();
  assert.deepEqual(told, [...Array(count).keys()]);
  const what = found.map(({ difference, micros }) =>
    `${difference} ${(micros - firstUs) / intervalUs}`
  );
  const { matched, dropped, last } = comparison;
  return { matched, dropped, what, found, last };
}

Deno.test("a device's readings match, on whatever pages they come", () => {
  fc.assert(fc.property(fc.array(fc.nat({ max: 4 }), { maxLength: 8 }), (pageSizes) => {
    const turns = pageSizes.reduce((sum, size) => sum + size, 0);
    const rows = stored(...Array(turns).keys());
    const pages = pageSizes.map((size) => rows.splice(0, size));
    assert.deepEqual(compare(turns, ...pages).what, []);
    assert.equal(compare(turns, ...pages).matched, turns);
  }));
});

Deno.test("readings that are gone are missing, at either end and between", () => {
  assert.deepEqual(compare(6, stored(1, 2, 4)), {
    matched: 3,
    dropped: 0,
    what: ["missing 0", "missing 3", "missing 5"],
    found: [0, 3, 5].map((turn) => ({
      difference: "missing",
      micros: firstUs + turn * intervalUs,
      expected: valuesOf(readingAt(firstUs + turn * intervalUs)),
      found: undefined,
    })),
    last: { micros: firstUs + 4 * intervalUs, tieBreak: 7n, parked: false },
  });
  assert.deepEqual(compare(2).what, ["missing 0", "missing 1"]);
});

Deno.test("readings that are gone are not missing where they were dropped", () => {
  const { matched, dropped, what } = compareDropped(3, 6, stored(1, 4));
  assert.deepEqual({ matched, dropped, what }, {
    matched: 2,
    dropped: 2,
    what: ["missing 3", "missing 5"],
  });
});

Deno.test("a second row of the same instant and values is a double", () => {
  const { matched, what } = compare(2, stored(0, 1, 1, 1));
  assert.deepEqual(what, ["doubled 1", "doubled 1"]);
  assert.equal(matched, 2);
});

for (const { field } of measures) {
  Deno.test(`another ${field} is an altered reading, by however little`, () => {
    const [first, second] = stored(0, 1) as [Row, Row];
    const measured = {
      ...second.measured,
      [field]: (second.measured[field] ?? 1) * (1 + 2 ** -52),
    };
    const { matched, what, found } = compare(2, [first, { ...second, measured }]);
    assert.deepEqual(what, ["altered 1"]);
    assert.deepEqual(found[0]!.expected, valuesOf(second.measured));
    assert.deepEqual(found[0]!.found, valuesOf(measured));
    assert.equal(matched, 1);
  });
}

Deno.test("another reading beside the right one is unexpected, whichever comes first", () => {
  const [right] = stored(1) as [Row];
  const other: Row = { ...right, measured: { ...right.measured, humidity: 51 } };
  for (const pages of [[[right, other]], [[other, right]], [[other], [right]]]) {
    const { matched, what } = compare(2, stored(0), ...pages);
    assert.deepEqual(what, ["unexpected 1"]);
    assert.equal(matched, 2);
  }
  assert.deepEqual(compare(2, [...stored(0), other, other]).what, ["altered 1", "unexpected 1"]);
});

Deno.test("a reading between two turns, before the first or after the last is unexpected", () => {
  const [row] = stored(1) as [Row];
  const off = (micros: number): Row => ({ ...row, micros });
  const { what, matched } = compare(2, [
    off(firstUs - 1),
    ...stored(0),
    off(firstUs + 2_500_000),
    row,
    off(firstUs + 2 * intervalUs),
  ]);
  assert.deepEqual(what, ["unexpected -2e-7", "unexpected 0.5", "unexpected 2"]);
  assert.equal(matched, 2);
});

Deno.test("a reading with nanoseconds past its turn is not the turn's", () => {
  const [row] = stored(0) as [Row];
  assert.deepEqual(compare(1, [{ ...row, tieBreak: (1n << 53n) | 7n }]).what, [
    "unexpected 0",
    "missing 0",
  ]);
  assert.deepEqual(compare(1, [{ ...row, tieBreak: (1n << 53n) - 1n }]).what, []);
});

Deno.test("a parked reading is parked and not missing, and one of no turn is parked too", () => {
  const [first, second] = stored(0, 1) as [Row, Row];
  const { what, matched } = compare(2, [
    first,
    { ...first, parked: true, micros: firstUs + 1 },
    { ...second, parked: true },
  ]);
  assert.deepEqual(what, ["parked 2e-7", "parked 1"]);
  assert.equal(matched, 1);
  const both = compare(1, [first, { ...first, parked: true }]);
  assert.deepEqual([both.matched, both.what], [1, ["parked 0"]]);
});
