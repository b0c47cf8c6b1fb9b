import assert from "node:assert/strict";
import fc from "fast-check";
import { joinNanos, splitNanos } from "./nanoseconds.ts";

Deno.test("joinNanos is micros * 1000 + nanos, and splitNanos its inverse", () => {
  const micros = fc.oneof(
    fc.maxSafeInteger(),
    fc.integer({ min: 0, max: 2 ** 21 }).map((words) => words * 2 ** 32),
    fc.integer({ min: -1_000, max: 1_000 }).map((off) => Date.UTC(2026, 10, 18) * 1_000 + off),
  );
  fc.assert(fc.property(fc.array(fc.tuple(micros, fc.integer({ min: 0, max: 999 }))), (pairs) => {
    const split = {
      micros: Float64Array.from(pairs, ([micros]) => micros),
      nanos: Uint16Array.from(pairs, ([, nanos]) => nanos),
    };
    const joined = joinNanos(split.micros, split.nanos);
    assert.deepEqual(
      [...joined],
      pairs.map(([micros, nanos]) => BigInt(micros) * 1_000n + BigInt(nanos)),
    );
    assert.deepEqual(splitNanos(joined), split);
  }));
});
