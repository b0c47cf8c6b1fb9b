import assert from "node:assert/strict";
import { ageWords, aheadWords, deviceState, lastSign, spanWords, stateWords } from "./freshness.js";

const now = 1e12;

Deno.test("ageWords are coarse, and never of the future", () => {
  const cases: [number, string][] = [
    [0, "just now"],
    [-9_999, "just now"],
    [-29_000, "20 seconds ago"],
    [-60_000, "1 minute ago"],
    [-3_599_999, "59 minutes ago"],
    [-7_200_000, "2 hours ago"],
    [-3 * 86_400_000, "3 days ago"],
    [9_000, "just now"],
  ];
  for (const [gap, words] of cases) assert.equal(ageWords(now + gap, now), words);
});

Deno.test("spanWords and aheadWords name a length of time", () => {
  assert.equal(spanWords(5_000), "5 seconds");
  assert.equal(spanWords(1_500), "1.5 seconds");
  assert.equal(spanWords(60_000), "1 minute");
  assert.equal(aheadWords(22 * 3_600_000), "clock ahead by 22 hours");
  assert.equal(aheadWords(undefined), "");
});

Deno.test("lastSign tells what may be from what cannot be yet", () => {
  assert.deepEqual(lastSign([], now), { seenMs: undefined, aheadMs: undefined });
  assert.deepEqual(lastSign([now - 5, now + 9_000], now), {
    ...{ seenMs: now + 9_000, aheadMs: undefined },
  });
  assert.deepEqual(lastSign([now - 5, now + 60_000], now), { seenMs: now - 5, aheadMs: 60_000 });
});

Deno.test("deviceState judges silence by the device's own interval", () => {
  const state = (quietMs: number, intervalMs?: number) =>
    deviceState([now - quietMs], intervalMs, now);
  assert.equal(state(14_000, 1_000), "online");
  assert.equal(state(16_000, 1_000), "silent");
  assert.equal(state(1_799_000, 600_000), "online");
  assert.equal(state(1_801_000, 600_000), "silent");
});

Deno.test("deviceState knows nothing for long of a device that has hardly spoken", () => {
  const state = (quietMs: number) => deviceState([now - quietMs], undefined, now);
  assert.equal(state(59_000), "online");
  assert.equal(state(61_000), "unknown");
  assert.equal(state(86_399_000), "unknown");
  assert.equal(state(86_401_000), "silent");
  assert.equal(deviceState([], 5_000, now), "unknown");
  assert.equal(deviceState([now + 3_600_000], 5_000, now), "unknown");
});

Deno.test("stateWords tell what was where there is no news", () => {
  assert.equal(stateWords("online", false), "Online");
  assert.equal(stateWords("online", true), "Was online");
  assert.equal(stateWords("silent", true), "Was silent");
  assert.equal(stateWords("unknown", true), "Unknown");
});
