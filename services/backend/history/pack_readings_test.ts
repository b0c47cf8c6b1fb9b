import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { measures } from "#shared/telemetry/measures.ts";
import { measureNumbers } from "./measure_numbers.ts";
import { packReadings } from "./pack_readings.ts";
import { PackedReadingsError } from "./packing/packed_readings_error.ts";
import type { ReadingColumns } from "./reading_columns.ts";
import { tieBreakAt } from "./tie_break_at.ts";
import { unpackInstants } from "./unpack_instants.ts";
import { unpackReadings } from "./unpack_readings.ts";

const dayUs = 86_400e6;
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
    { numRuns: 400 },
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
    { numRuns: 100 },
  );
});

Deno.test("unpackInstants gives the instants that unpackReadings gives", () => {
  fc.assert(
    fc.property(columnsOfMeasures(measures.length), (columns) => {
      const packed = packReadings(columns, 0, columns.count);
      assert.deepEqual(unpackInstants(packed), unpackReadings(packed).micros);
    }),
    { numRuns: 100 },
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
    { numRuns: 100 },
  );
});

Deno.test("packReadings keeps a measure that is added, set in some readings or in all", () => {
  const more = [...measureNumbers, 8];
  fc.assert(
    fc.property(columnsOfMeasures(more.length), (columns) => {
      const packed = packReadings(columns, 0, columns.count, more);
      assert.deepEqual(bitsOf(unpackReadings(packed, more)), bitsOf(columns));
    }),
    { numRuns: 100 },
  );
});

/** A device's day in small, as a sensor of a hundredth of a degree gives it. */
function smallDay(count: number): ReadingColumns {
  const wave = (base: number, height: number, power: number) =>
    Float64Array.from(
      { length: count },
      (_, at) => Math.round((base + height * Math.sin(at / 50)) * power) / power,
    );
  return {
    count,
    micros: Float64Array.from({ length: count }, (_, at) => 1.8e15 + at * 5e6),
    nanos: undefined,
    values: [wave(20, 5, 100), wave(50, 9, 10), wave(1_010, 3, 100), wave(90, 0, 10)],
    oddTieBreaks: new Map([[3, -1n]]),
  };
}

Deno.test("unpackReadings refuses readings that lack their end, or more", () => {
  const packed = packReadings(smallDay(300), 0, 300);
  for (let length = 0; length < packed.length; length++) {
    assert.throws(() => unpackReadings(packed.subarray(0, length)), PackedReadingsError);
    assert.throws(() => unpackInstants(packed.subarray(0, length)), PackedReadingsError);
  }
});

Deno.test("unpackReadings refuses readings in which any one bit turned", () => {
  const packed = packReadings(smallDay(100), 0, 100);
  for (let bit = 0; bit < packed.length * 8; bit++) {
    const damaged = packed.slice();
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    assert.throws(() => unpackReadings(damaged), PackedReadingsError);
  }
});

Deno.test("unpackReadings names a format that it does not know", () => {
  const packed = packReadings(smallDay(10), 0, 10);
  packed[0] = 2;
  assert.throws(() => unpackReadings(packed), {
    message: "Cannot unpack readings: their format is 2, and this release knows 1",
  });
});

Deno.test("unpackReadings refuses a measure that it does not know", () => {
  const columns = smallDay(10);
  const more = { ...columns, values: [...columns.values, columns.values[0]!] };
  const packed = packReadings(more, 0, 10, [...measureNumbers, 8]);
  assert.throws(() => unpackReadings(packed), /a measure that is not known, of field 8/);
});

/** With a checksum that is right for what is wrong before it. */
function sealed(content: Uint8Array): Uint8Array {
  const packed = new Uint8Array(content.length + 4);
  packed.set(content);
  new DataView(packed.buffer).setUint32(content.length, crc32(content), true);
  return packed;
}

Deno.test("unpackReadings ends in an error or in columns of one length, whatever it is given", () => {
  const packed = packReadings(smallDay(40), 0, 40);
  const at = fc.nat(packed.length - 5);
  const byte = fc.integer({ min: 0, max: 255 });
  // Beyond the format and the count: the latter may rightly say that there are millions.
  const changes = fc.array(fc.tuple(at.filter((at) => at > 1), byte), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(changes, at, (changes, cut) => {
      const content = packed.slice(0, cut % 3 === 0 ? cut : -4);
      for (const [at, byte] of changes) content[at] = byte;
      let unpacked: ReadingColumns;
      try {
        unpacked = unpackReadings(sealed(content));
      } catch (error) {
        if (error instanceof PackedReadingsError) return;
        throw error;
      }
      assert.equal(unpacked.micros.length, unpacked.count);
      for (const column of unpacked.values) assert.equal(column.length, unpacked.count);
    }),
    { numRuns: 2_000 },
  );
});
