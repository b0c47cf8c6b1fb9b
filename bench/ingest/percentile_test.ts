import assert from "node:assert/strict";
import { median, percentile } from "./percentile.ts";

Deno.test("percentile is the nearest rank", () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
  assert.equal(percentile(hundred, 0.5), 50);
  assert.equal(percentile(hundred, 0.99), 99);
  assert.equal(percentile(hundred, 0.999), 100);
  assert.equal(percentile(hundred, 0), 1);
  assert.equal(percentile(hundred, 1), 100);
  const thousand = Array.from({ length: 1_000 }, (_, i) => i + 1);
  assert.equal(percentile(thousand, 0.999), 999);
  assert.equal(percentile(thousand, 0.07), 70);
});

Deno.test("percentile of one value is that value, and of none is no number", () => {
  assert.equal(percentile([7], 0.001), 7);
  assert(Number.isNaN(percentile([], 0.5)));
});

Deno.test("median sorts by value and leaves its argument alone", () => {
  const values = [10, 9, 100];
  assert.equal(median(values), 10);
  assert.deepEqual(values, [10, 9, 100]);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert(Number.isNaN(median([])));
});
