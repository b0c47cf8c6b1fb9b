import assert from "node:assert/strict";
import fc from "fast-check";
import { aborted } from "./aborted.ts";
import { Backoff, backoffMs } from "./backoff.ts";
import { sleep } from "./sleep.ts";
import { within } from "./within.ts";

const hourMs = 3_600_000;

Deno.test("backoffMs doubles from 100 ms to 10 s", () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((attempt) => backoffMs(attempt, () => 0));
  assert.deepEqual(waits, [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
});

Deno.test("backoffMs takes off a fifth at most, and stays in bounds for ever", () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(fc.property(fc.integer({ min: 1, max: 1_000_000 }), random, (attempt, drawn) => {
    const longest = backoffMs(attempt, () => 0);
    const waitMs = backoffMs(attempt, () => drawn);
    assert(waitMs <= longest && waitMs >= longest * 0.8);
    assert(waitMs >= 80 && waitMs <= 10_000 && Number.isInteger(waitMs));
  }));
});

Deno.test("Backoff waits longer after each failure, and as at first once it is reset", () => {
  const backoff = new Backoff();
  const within = (longest: number) => {
    const waitMs = backoff.next();
    assert(waitMs <= longest && waitMs >= longest * 0.8, `${waitMs} ms of ${longest}`);
  };
  for (const longest of [100, 200, 400]) within(longest);
  backoff.reset();
  for (const longest of [100, 200]) within(longest);
});

Deno.test("sleep ends when it is aborted, and leaves no timer or listener", async () => {
  const stop = new AbortController();
  const sleeping = sleep(hourMs, stop.signal);
  stop.abort();
  await sleeping;
  await sleep(hourMs, stop.signal);
});

Deno.test("sleep takes its time", async () => {
  const startedMs = performance.now();
  await sleep(20, new AbortController().signal);
  assert(performance.now() - startedMs >= 19);
});

Deno.test("within is true for what settled, well or not", async () => {
  assert.equal(await within(hourMs, Promise.resolve()), true);
  assert.equal(await within(hourMs, Promise.reject(new Error("no"))), true);
});

Deno.test("within is false for what is late, whose failure then troubles nobody", async () => {
  const { promise, reject } = Promise.withResolvers<void>();
  assert.equal(await within(1, promise), false);
  reject(new Error("late"));
  await new Promise(setImmediate);
});

Deno.test("aborted resolves for a signal that is aborted, or once it is", async () => {
  await aborted(AbortSignal.abort());
  const stop = new AbortController();
  const waiting = aborted(stop.signal);
  stop.abort();
  await waiting;
});
