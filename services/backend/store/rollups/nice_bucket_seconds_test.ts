import assert from "node:assert/strict";
import { niceBucketSeconds } from "./nice_bucket_seconds.ts";

Deno.test("niceBucketSeconds divides an hour, a day, a month and years as people do", () => {
  const day = 86_400;
  for (
    const [span, width] of [
      [60, 1],
      [3_600, 10],
      [day, 300],
      [6 * 3_600, 60],
      [5 * day, 900],
      [7 * day, 3_600],
      [30 * day, 7_200],
      [365 * day, day],
      [9 * 365 * day, 7 * day],
      [40 * 365 * day, 56 * day],
    ] as const
  ) assert.equal(niceBucketSeconds(span, 500), width, `${span} s`);
});

Deno.test("niceBucketSeconds gives no more points than are wanted, wherever the span begins", () => {
  for (let span = 1; span < 1e10; span = Math.ceil(span * 1.7)) {
    for (const most of [2, 3, 10, 499, 500]) {
      const width = niceBucketSeconds(span, most);
      assert(Math.floor((width - 1 + span - 1) / width) + 1 <= most, `${span} s, ${most}`);
    }
  }
});

Deno.test("niceBucketSeconds refuses fewer than two points", () => {
  for (const most of [1, 0, -5, NaN]) assert.throws(() => niceBucketSeconds(60, most), RangeError);
});
