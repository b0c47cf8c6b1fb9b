import fc from "fast-check";
import assert from "node:assert/strict";
import type { ReadingColumns } from "./reading_columns.ts";
import { splitReadings } from "./split_readings.ts";

function columnsAt(micros: Float64Array): ReadingColumns {
  return { count: micros.length, micros, nanos: undefined, values: [], oddTieBreaks: undefined };
}

const apart = (count: number) =>
  columnsAt(Float64Array.from({ length: count }, (_, at) => 1.8e15 + at));

Deno.test("splitReadings gives every reading a chunk, and those of one microsecond the same", () => {
  const steps = fc.array(fc.constantFrom(0, 0, 0, 1), { maxLength: 8, minLength: 1 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), steps, (count, steps) => {
      let last = 1.8e15;
      // Up to 1,000 of one microsecond, and then as many of the next.
      const columns = columnsAt(Float64Array.from(
        { length: count },
        (_, at) => last += at % 250 === 0 ? steps[at / 250 % steps.length]! : 0,
      ));
      let next = 0;
      for (const [from, until] of splitReadings(columns)) {
        assert.equal(from, next);
        assert.ok(until > from);
        assert.notEqual(columns.micros[until], columns.micros[until - 1]);
        next = until;
      }
      assert.equal(next, count);
    }),
  );
});

Deno.test("splitReadings makes as few chunks as there must be, of about one size", () => {
  for (const count of [1, 10, 1_500, 1_501, 17_280, 86_400]) {
    const sizes = splitReadings(apart(count)).map(([from, until]) => until - from);
    assert.equal(sizes.length, Math.ceil(count / 1_500));
    assert.ok(Math.max(...sizes) <= 1_500);
    assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1, `${sizes}`);
  }
});

Deno.test("splitReadings makes no chunk of no readings", () => {
  assert.deepEqual(splitReadings(apart(0)), []);
});

Deno.test("splitReadings leaves readings of one microsecond in one chunk, however many", () => {
  const columns = columnsAt(new Float64Array(10_000).fill(1.8e15));
  assert.deepEqual(splitReadings(columns), [[0, 10_000]]);
});
