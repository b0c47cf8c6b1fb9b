import fc from "fast-check";
import assert from "node:assert/strict";
import { measures } from "#shared/telemetry/measures.ts";
import { measureNumbers } from "./measure_numbers.ts";
import { packReadings } from "./pack_readings.ts";
import type { ReadingColumns } from "./reading_columns.ts";
import { tieBreakAt } from "./tie_break_at.ts";
import { unpackInstants } from "./unpack_instants.ts";
import { unpackReadings } from "./unpack_readings.ts";

const dayUs = 86_400e6;
/** A smaller case of thousands of values takes too long to find. */
const untilOneFails = { endOnFailure: true };
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });

/** Values of one measure, in the ways in which devices and their senders make them. */
function valuesOf(count: number): fc.Arbitrary<Float64Array> {
  const many = (value: fc.Arbitrary<number>) =>
    fc.array(value, { minLength: count, maxLength: count, size: "max" })
      .map((values) => Float64Array.from(values));
  const walk = many(fc.integer({ min: -3, max: 3 })).map((steps) => {
    let sum = 0;
    return steps.map((step) => sum += step);
  });
  const decimals = (values: Float64Array, power: number) => values.map((value) => value / power);
  const power = fc.constantFrom(1, 10, 100, 1e4, 1e9);
  return fc.oneof(
    finite.map((value) => new Float64Array(count).fill(value)),
    many(finite),
    many(fc.float({ noNaN: true, noDefaultInfinity: true })),
    many(fc.constantFrom(0, -0, 5e-324, -5e-324, 1.8e308, 2 ** 53, 0.1 + 0.2, 0.5)),
    fc.tuple(walk, power).map(([values, power]) => decimals(values, power)),
    fc.tuple(walk, power).map(([values, power]) =>
      Float64Array.from(Float32Array.from(decimals(values, power)))
    ),
    fc.tuple(many(fc.integer({ min: -4e6, max: 4e6 })), power)
      .map(([values, power]) => decimals(values, power)),
    // Decimals, but for a few.
    fc.tuple(walk, many(fc.integer({ min: 0, max: 40 })), many(finite)).map(
      ([values, dice, odd]) => values.map((value, at) => dice[at] === 0 ? odd[at]! : value / 10),
    ),
  );
}

/** Some of them, or all, not set. */
function unset(values: Float64Array): fc.Arbitrary<Float64Array> {
  return fc.oneof(
    fc.constant(values.map(() => NaN)),
    fc.array(fc.boolean(), { minLength: values.length, maxLength: values.length, size: "max" })
      .map((present) => values.map((value, at) => present[at] ? value : NaN)),
  );
}

/** Ascending, some of them the same. */
function microsOf(count: number): fc.Arbitrary<Float64Array> {
  const start = fc.integer({ min: 946_684_800e6, max: 4e15 });
  const step = fc.constantFrom(0, 1, 5e6, 1e6, 999_999, 3_600e6);
  const jitter = fc.array(fc.constantFrom(0, 0, 0, 1, 1_000, 17_000, dayUs / 3_000), {
    minLength: count,
    maxLength: count,
    size: "max",
  });
  return fc.tuple(start, step, jitter).map(([start, step, jitter]) => {
    let last = start;
    return Float64Array.from(jitter, (more) => last += step + more);
  });
}

const longest = 2n ** 63n;

function columnsOfMeasures(numbers: number): fc.Arbitrary<ReadingColumns> {
  const counts = fc.oneof(
    fc.integer({ min: 1, max: 12 }),
    fc.integer({ min: 13, max: 200 }),
    fc.integer({ min: 201, max: 3_000 }),
  );
  return counts.chain((count) =>
    fc.record({
      count: fc.constant(count),
      micros: microsOf(count),
      nanos: fc.option(
        fc.array(fc.integer({ min: 0, max: 999 }), {
          minLength: count,
          maxLength: count,
          size: "max",
        }).map((nanos) => Uint16Array.from([...nanos.slice(1), 1])),
        { nil: undefined },
      ),
      values: fc.tuple(
        ...Array.from({ length: numbers }, () =>
          fc.oneof(
            { weight: 4, arbitrary: valuesOf(count) },
            { weight: 1, arbitrary: valuesOf(count).chain(unset) },
          )),
      ),
      oddTieBreaks: fc.option(
        fc.uniqueArray(
          fc.tuple(
            fc.integer({ min: 0, max: count - 1 }),
            fc.bigInt({ min: -longest, max: longest - 1n }),
          ),
          { minLength: 1, selector: ([at]) => at },
        ).map((odd) => new Map(odd.sort(([a], [b]) => a - b))),
        { nil: undefined },
      ),
    })
  );
}

/** As what `assert.deepEqual` compares bit by bit. */
function bitsOf({ count, micros, nanos, values, oddTieBreaks }: ReadingColumns) {
  return {
    count,
    micros,
    nanos,
    values: values.map((column) => new BigUint64Array(column.slice().buffer)),
    oddTieBreaks,
  };
}

Deno.test("packReadings keeps every bit of every reading", () => {
  fc.assert(
    fc.property(columnsOfMeasures(measures.length), (columns) => {
      const unpacked = unpackReadings(packReadings(columns, 0, columns.count));
      assert.deepEqual(bitsOf(unpacked), bitsOf(columns));
    }),
    { ...untilOneFails, numRuns: 400 },
  );
});

Deno.test("packReadings packs a part as if there were no other readings", () => {
  const parts = columnsOfMeasures(measures.length).chain((columns) =>
    fc.tuple(fc.constant(columns), fc.nat(columns.count - 1), fc.nat(columns.count - 1))
  );
  fc.assert(
    fc.property(parts, ([columns, one, other]) => {
      const [from, until] = [Math.min(one, other), Math.max(one, other) + 1];
      const odd = [...columns.oddTieBreaks ?? []].filter(([at]) => at >= from && at < until)
        .map(([at, tieBreak]) => [at - from, tieBreak] as const);
      const nanos = columns.nanos?.slice(from, until);
      const part: ReadingColumns = {
        count: until - from,
        micros: columns.micros.slice(from, until),
        nanos: nanos?.some((past) => past !== 0) ? nanos : undefined,
        values: columns.values.map((column) => column.slice(from, until)),
        oddTieBreaks: odd.length > 0 ? new Map(odd) : undefined,
      };
      const packed = packReadings(columns, from, until);
      assert.deepEqual(packed, packReadings(part, 0, part.count));
      assert.deepEqual(bitsOf(unpackReadings(packed)), bitsOf(part));
    }),
    { ...untilOneFails, numRuns: 100 },
  );
});

Deno.test("unpackInstants gives the instants that unpackReadings gives", () => {
  fc.assert(
    fc.property(columnsOfMeasures(measures.length), (columns) => {
      const packed = packReadings(columns, 0, columns.count);
      assert.deepEqual(unpackInstants(packed), unpackReadings(packed).micros);
    }),
    { ...untilOneFails, numRuns: 100 },
  );
});

Deno.test("Readings from before a measure are those that they were, once there is one more", () => {
  const more = [...measureNumbers, 8];
  fc.assert(
    fc.property(columnsOfMeasures(measures.length), (columns) => {
      const unpacked = unpackReadings(packReadings(columns, 0, columns.count), more);
      const { values: [..._], ...rest } = unpacked;
      assert.ok(unpacked.values[measures.length]!.every((value) => Number.isNaN(value)));
      const known = { ...rest, values: unpacked.values.slice(0, measures.length) };
      assert.deepEqual(bitsOf(known), bitsOf(columns));
      for (let at = 0; at < columns.count; at += 97) {
        assert.equal(tieBreakAt(unpacked, at), tieBreakAt(columns, at));
      }
    }),
    { ...untilOneFails, numRuns: 100 },
  );
});

Deno.test("packReadings keeps a measure that is added, set in some readings or in all", () => {
  const more = [...measureNumbers, 8];
  fc.assert(
    fc.property(columnsOfMeasures(more.length), (columns) => {
      const packed = packReadings(columns, 0, columns.count, more);
      assert.deepEqual(bitsOf(unpackReadings(packed, more)), bitsOf(columns));
    }),
    { ...untilOneFails, numRuns: 100 },
  );
});

/** A day's part in which each measure is made from its place, as by a sensor of a hundredth. */
function madeOf(count: number, valueAt: (at: number) => number): ReadingColumns {
  const values = Float64Array.from(
    { length: count },
    (_, at) => Math.round(valueAt(at) * 100) / 100,
  );
  return {
    count,
    micros: Float64Array.from({ length: count }, (_, at) => 1.8e15 + at * 5e6),
    nanos: undefined,
    values: measures.map(() => values),
    oddTieBreaks: undefined,
  };
}

/** From -1 to 1, evenly spread, the same in every run. */
function noise(seed: number): number {
  let hash = Math.imul(seed + 1, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) / 2 ** 31;
}

/** How many bits a value takes, with its share in all that is around it. */
function bitsAValue(columns: ReadingColumns): number {
  const { length } = packReadings(columns, 0, columns.count);
  return length * 8 / columns.count / columns.values.length;
}

Deno.test("packReadings takes nothing for what can be told before", () => {
  assert.ok(packReadings(madeOf(10_000, () => 20), 0, 10_000).length < 50);
  assert.ok(packReadings(madeOf(10_000, (at) => at / 4), 0, 10_000).length < 60);
});

Deno.test("packReadings follows values whose steps grow", () => {
  assert.ok(bitsAValue(madeOf(1_500, (at) => at * at)) < 3);
});

Deno.test("packReadings takes less than a bit for a value that moves less than it is rounded", () => {
  assert.ok(bitsAValue(madeOf(1_500, (at) => 20 + 5 * Math.sin(at / 1_000))) < 0.75);
  const singles = madeOf(1_500, (at) => 20 + 5 * Math.sin(at / 1_000));
  const values = singles.values.map((column) => column.map(Math.fround));
  assert.ok(bitsAValue({ ...singles, values }) < 0.75);
});

Deno.test("packReadings takes hardly more for noise than it is", () => {
  // 201 values that are equally likely around a mean that stays, or a last one.
  const least = Math.log2(201);
  assert.ok(bitsAValue(madeOf(1_500, (at) => 20 + noise(at))) < least + 0.6);
  let last = 20;
  assert.ok(bitsAValue(madeOf(1_500, (at) => last += noise(at))) < least + 0.4);
  // Of a sensor that knows sixteenths, 33.
  const sixteenths = madeOf(1_500, () => 0);
  const values = sixteenths.values.map((column) =>
    column.map((_, at) => 20 + Math.round(16 * noise(at)) / 16)
  );
  assert.ok(bitsAValue({ ...sixteenths, values }) < Math.log2(33) + 0.6);
});

Deno.test("packReadings takes no more for a 32-bit float than its bits that change", () => {
  const columns = madeOf(1_500, () => 0);
  const values = columns.values.map((column) =>
    column.map((_, at) => Math.fround(1_000 + noise(at)))
  );
  // 1,000 has neighbours 2^-14 away.
  assert.ok(bitsAValue({ ...columns, values }) < 15 + 0.6);
});

Deno.test("packReadings takes hardly more for instants around even ones than how far they are", () => {
  const even = madeOf(1_500, () => 0);
  const micros = even.micros.map((instant, at) => instant + Math.round(1e6 * noise(at)));
  const { length } = packReadings({ ...even, micros }, 0, 1_500);
  assert.ok(length * 8 / 1_500 < Math.log2(2e6) + 0.9);
});

Deno.test("packReadings packs ten readings into fewer bytes than two of them are", () => {
  const columns = madeOf(10, (at) => 20 + at % 3 / 100);
  assert.ok(packReadings(columns, 0, 10).length < 2 * 8 * (1 + measures.length));
});

Deno.test("packReadings refuses readings that are none, or too far apart, or in no order", () => {
  const columns = madeOf(2, () => 20);
  const at = (...micros: readonly number[]) => ({ ...columns, micros: Float64Array.from(micros) });
  for (const [from, until] of [[0, 0], [1, 1], [2, 1], [-1, 2], [0, 3]] as const) {
    assert.throws(() => packReadings(columns, from, until), RangeError);
  }
  for (const wrong of [[0, 2 ** 50], [1, 0], [0.5, 1], [0, NaN], [NaN, 0], [0, Infinity]]) {
    assert.throws(() => packReadings(at(...wrong), 0, 2), RangeError);
  }
  const furthest = at(2 ** 52 - 1, 2 ** 52);
  assert.deepEqual(unpackReadings(packReadings(furthest, 0, 2)).micros, furthest.micros);
  assert.throws(() => packReadings(at(2 ** 52, 2 ** 52 + 1), 0, 2), RangeError);
});
