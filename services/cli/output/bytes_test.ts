import assert from "node:assert/strict";
import { formatBytes } from "./bytes.ts";

Deno.test("bytes are told to three digits", () => {
  const told = [0, 950, 999, 1_000, 2_468_000, 999_600, 12_345_678_901, 1.5e15, 2e18];
  assert.deepEqual(told.map(formatBytes), [
    "0 B",
    "950 B",
    "999 B",
    "1 kB",
    "2.47 MB",
    "1 MB",
    "12.3 GB",
    "1.5 PB",
    "2000 PB",
  ]);
});
