import assert from "node:assert/strict";
import fc from "fast-check";
import { twoLaneHash } from "#migrations/0005_mixed_tie_breaks.ts";
import { nanosOfTieBreak, tieBreak } from "./tie_break.ts";

const nanos = fc.integer({ min: 0, max: 999 });
const value = fc.double({ noNaN: true });
const values = fc.tuple(value, value, value, value);
const longest = 2n ** 63n - 1n;

Deno.test("tieBreak is the same for the same reading, and fits a bigint", () => {
  fc.assert(
    fc.property(nanos, values, (nanos, values) => {
      const made = tieBreak(nanos, values);
      assert.equal(tieBreak(nanos, values), made);
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
      assert.ok(tieBreak(one, a) < tieBreak(other, b));
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
      assert.notEqual(tieBreak(0, other), tieBreak(0, values));
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
    const made = Number(tieBreak(0, values));
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
      assert.notEqual(tieBreak(0, [a, b, 0, 0]), tieBreak(0, [b, a, 0, 0]));
      assert.notEqual(tieBreak(0, [a, 0, b, 0]), tieBreak(0, [b, 0, a, 0]));
      assert.notEqual(tieBreak(0, [0, a, 0, b]), tieBreak(0, [0, b, 0, a]));
    }),
    { numRuns: 20_000 },
  );
});

/**
 * Temperatures, two by two, that a hash of two lanes takes for one. After the first word
 * the lanes stand apart by some difference; of two first words with the same difference, a
 * second word cancels in both lanes what sets their readings apart.
 */
function* twoLaneCollisions(): Generator<readonly [number, number]> {
  const view = new DataView(new ArrayBuffer(8));
  const double = (high: number, low: number) => {
    view.setUint32(0, high);
    view.setUint32(4, low);
    return view.getFloat64(0);
  };
  const lowLaneOf = new Map<number, { readonly word: number; readonly low: number }>();
  // From 1 degree up.
  for (let at = 0; at < 300_000; at++) {
    const word = 0x3ff00000 + at * 16;
    let low = Math.imul(0x9e3779b9 ^ word, 0x2c1b3c6d);
    low ^= low >>> 15;
    let high = Math.imul(0x85ebca6b ^ word, 0x297a2d39);
    high ^= high >>> 13;
    const other = lowLaneOf.get(low ^ high);
    if (other === undefined) lowLaneOf.set(low ^ high, { word, low });
    else yield [double(word, 12_345), double(other.word, 12_345 ^ low ^ other.low)];
  }
}

Deno.test("tieBreak tells apart what is made to be one in two lanes that never meet", () => {
  const hashInLanes = (temperature: number) => {
    const values = new DataView(new ArrayBuffer(32));
    [temperature, 50, 1_000, 90].forEach((value, at) => values.setFloat64(at * 8, value));
    return twoLaneHash(values);
  };
  const pairs = [...twoLaneCollisions()];
  assert.ok(pairs.length > 3);
  for (const [one, other] of pairs) {
    assert.ok(one !== other && [one, other].every((degrees) => degrees > -90 && degrees < 150));
    assert.equal(hashInLanes(one), hashInLanes(other));
    assert.notEqual(tieBreak(0, [one, 50, 1_000, 90]), tieBreak(0, [other, 50, 1_000, 90]));
  }
});

Deno.test("tieBreak turns half of its bits when any one bit of the values turns", () => {
  const view = new DataView(new ArrayBuffer(32));
  const hashed = () => {
    const at = (offset: number) => view.getFloat64(offset);
    return tieBreak(0, [at(0), at(8), at(16), at(24)]);
  };
  const samples = 400;
  let random = 1;
  /** By input bit and output bit: how often the one turned the other. */
  const turned = new Uint32Array(256 * 53);
  for (let sample = 0; sample < samples; sample++) {
    for (let word = 0; word < 8; word++) {
      random = Math.imul(random, 1_664_525) + 1_013_904_223 | 0;
      // An exponent of plain numbers: not every pattern of bits is a number of its own.
      view.setUint32(word * 4, word % 2 === 0 ? 0x40000000 | random >>> 9 : random);
    }
    const before = hashed();
    for (let bit = 0; bit < 256; bit++) {
      const at = bit >> 3;
      view.setUint8(at, view.getUint8(at) ^ 1 << (bit & 7));
      for (let left = hashed() ^ before, out = 0; left > 0n; left >>= 1n, out++) {
        if (left & 1n) turned[bit * 53 + out]!++;
      }
      view.setUint8(at, view.getUint8(at) ^ 1 << (bit & 7));
    }
  }
  // Six standard deviations of so many tosses of a coin.
  const most = 6 * Math.sqrt(samples) / 2;
  turned.forEach((count, at) =>
    assert.ok(
      Math.abs(count - samples / 2) < most,
      `bit ${Math.floor(at / 53)} turned bit ${at % 53} ${count} times of ${samples}`,
    )
  );
});
