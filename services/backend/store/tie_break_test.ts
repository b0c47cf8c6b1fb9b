import assert from "node:assert/strict";
import fc from "fast-check";
import { nanosOfTieBreak, tieBreak } from "./tie_break.ts";

const nanos = fc.integer({ min: 0, max: 999 });
const value = fc.double({ noNaN: true });
const values = fc.tuple(value, value, value, value);
const longest = 2n ** 63n - 1n;

Deno.test("tieBreak is the same for the same reading, and fits a bigint", () => {
  fc.assert(
    fc.property(nanos, values, (nanos, values) => {
      const made = tieBreak(nanos, ...values);
      assert.equal(tieBreak(nanos, ...values), made);
      assert.ok(made >= 0n && made <= longest);
      assert.equal(nanosOfTieBreak(made), nanos);
    }),
    { numRuns: 20_000 },
  );
});

Deno.test("tieBreak orders by nanoseconds first", () => {
  fc.assert(
    fc.property(nanos, nanos, values, values, (one, other, a, b) => {
      fc.pre(one < other);
      assert.ok(tieBreak(one, ...a) < tieBreak(other, ...b));
    }),
    { numRuns: 20_000 },
  );
});

Deno.test("tieBreak tells apart readings that differ in the last bit of one value", () => {
  const view = new DataView(new ArrayBuffer(8));
  const flip = (value: number, bit: number) => {
    view.setFloat64(0, value);
    view.setBigUint64(0, view.getBigUint64(0) ^ (1n << BigInt(bit)));
    return view.getFloat64(0);
  };
  const bit = fc.integer({ min: 0, max: 63 });
  fc.assert(
    fc.property(values, fc.integer({ min: 0, max: 3 }), bit, (values, which, bit) => {
      const other: [number, number, number, number] = [...values];
      other[which] = flip(values[which]!, bit);
      fc.pre(!Number.isNaN(other[which]));
      assert.notEqual(tieBreak(0, ...other), tieBreak(0, ...values));
    }),
    { numRuns: 50_000 },
  );
});

/** Readings as sensors give them: few decimals, close together, so that most bits are alike. */
function* neighbours(count: number): Generator<[number, number, number, number]> {
  for (let at = 0; at < count; at++) {
    yield [
      20 + (at % 100) / 10,
      40 + Math.floor(at / 100) % 100 / 10,
      1_000 + Math.floor(at / 10_000) % 10 / 10,
      100 - Math.floor(at / 100_000),
    ];
  }
}

Deno.test("tieBreak gives a million neighbouring readings a million different values", () => {
  const seen = new Set<number>();
  const buckets = new Uint32Array(1_024);
  const lowBuckets = new Uint32Array(1_024);
  const count = 1_000_000;
  for (const values of neighbours(count)) {
    const made = Number(tieBreak(0, ...values));
    seen.add(made);
    buckets[Math.floor(made / 2 ** 43)]!++;
    lowBuckets[made % 1_024]!++;
  }
  assert.equal(seen.size, count);
  // An even spread: each bucket within six standard deviations of its share.
  const share = count / 1_024;
  for (const filled of [...buckets, ...lowBuckets]) {
    assert.ok(Math.abs(filled - share) < 6 * Math.sqrt(share), `${filled} of about ${share}`);
  }
});

Deno.test("tieBreak tells apart values that changed places", () => {
  fc.assert(
    fc.property(value, value, (a, b) => {
      fc.pre(!Object.is(a, b));
      assert.notEqual(tieBreak(0, a, b, 0, 0), tieBreak(0, b, a, 0, 0));
      assert.notEqual(tieBreak(0, a, 0, b, 0), tieBreak(0, b, 0, a, 0));
      assert.notEqual(tieBreak(0, 0, a, 0, b), tieBreak(0, 0, b, 0, a));
    }),
    { numRuns: 20_000 },
  );
});
