import assert from "node:assert/strict";
import fc from "fast-check";
import { formatDuration, parseDuration } from "./duration.ts";

Deno.test("parseDuration reads spans of time, up to years of 365 days", () => {
  for (
    const [text, ms] of [
      ["1ms", 1],
      ["1.5s", 1_500],
      ["1m30s", 90_000],
      ["24h", 86_400_000],
      ["7d", 604_800_000],
      ["1d12h", 129_600_000],
      ["10y", 3_650 * 86_400_000],
    ] as const
  ) assert.equal(parseDuration(text), ms, text);
  for (
    const text of ["", "0", "5", "-5s", "+5s", "5 s", "s", "d", "1w", "1D", "1Y", "1e3s", "5s "]
  ) {
    assert.equal(parseDuration(text), undefined, text);
  }
});

Deno.test("formatDuration is read back, and shortened where it is told to", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 1e12 }), (ms) => {
    assert.equal(parseDuration(formatDuration(ms)), ms);
  }));
  assert.equal(formatDuration(0), "0s");
  assert.equal(formatDuration(366 * 86_400_000), "1y1d");
  assert.equal(formatDuration(93_784_005), "1d2h3m4s5ms");
  assert.equal(formatDuration(93_784_005, 2), "1d2h");
  assert.equal(formatDuration(86_405_000, 2), "1d");
});
