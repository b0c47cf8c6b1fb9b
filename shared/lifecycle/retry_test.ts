import assert from "node:assert/strict";
import { aborted } from "./aborted.ts";
import { type FailedTry, retry, type RetryOptions, tryAgain } from "./retry.ts";

const down = new Error("down");

/** Work that fails so often, and what `retry` made of it. */
function scenario(failures: number, options: Partial<RetryOptions> = {}) {
  const told: FailedTry[] = [];
  const waits: number[] = [];
  let tries = 0;
  const all: RetryOptions = {
    signal: new AbortController().signal,
    onFailure: (failed) => void told.push(failed),
    wait: (ms) => Promise.resolve(void waits.push(ms)),
    ...options,
  };
  const work = () => ++tries <= failures ? Promise.reject(down) : Promise.resolve(`try ${tries}`);
  return { told, waits, work, all, tries: () => tries };
}

Deno.test("retry comes to what its work does, without a pause when that succeeds at once", async () => {
  const { work, all, waits, told } = scenario(0);
  assert.equal(await retry(work, all), "try 1");
  assert.deepEqual([waits, told], [[], []]);
});

Deno.test("retry tries until its work succeeds, after longer and longer pauses, and tells of each", async () => {
  const { work, all, waits, told } = scenario(9);
  assert.equal(await retry(work, all), "try 10");
  assert.deepEqual(told.map(({ attempt }) => attempt), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(told.map(({ retryMs }) => retryMs), waits);
  assert(told.every(({ error }) => error === down));
  const longest = [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000];
  for (const [at, ms] of waits.entries()) assert(ms <= longest[at]! && ms >= longest[at]! * 0.8);
});

Deno.test("retry throws what the last of its tries threw, and does not tell of that one", async () => {
  const { work, all, told, tries } = scenario(9, { tries: 3 });
  await assert.rejects(retry(work, all), down);
  assert.deepEqual([tries(), told.length], [3, 2]);
});

Deno.test("retry throws at once what another try would not mend", async () => {
  let asked = 0;
  const { work, all, waits, told, tries } = scenario(9, {
    again(error) {
      assert.equal(error, down);
      return ++asked < 3;
    },
  });
  await assert.rejects(retry(work, all), down);
  assert.deepEqual([tries(), told.length, waits.length], [3, 2, 2]);
});

Deno.test("retry takes what its work throws before it is a promise for a failed try", async () => {
  let tries = 0;
  const work = () => {
    if (++tries < 3) throw down;
    return Promise.resolve("done");
  };
  assert.equal(await retry(work, scenario(0).all), "done");
});

Deno.test("retry makes no try after an abort, and throws what the last one threw, which was told", async () => {
  const stop = new AbortController();
  const { work, all, told, tries } = scenario(9, {
    signal: stop.signal,
    wait: () => Promise.resolve(stop.abort()),
  });
  await assert.rejects(retry(work, all), down);
  assert.deepEqual([tries(), told.length], [1, 1]);
});

Deno.test("retry has its pause ended by an abort", async () => {
  const stop = new AbortController();
  const { work, all, tries } = scenario(9, {
    signal: stop.signal,
    wait: (_, signal) => aborted(signal!),
  });
  const retrying = retry(work, all);
  stop.abort(new Error("stopped"));
  await assert.rejects(retrying, down);
  assert.equal(tries(), 1);
});

Deno.test("retry tries once where it is aborted before", async () => {
  const signal = AbortSignal.abort();
  assert.equal(await retry(scenario(0).work, { signal }), "try 1");
  const { work, tries } = scenario(9);
  await assert.rejects(retry(work, { signal }), down);
  assert.equal(tries(), 1);
});

Deno.test("tryAgain goes on from a try that its caller made", async () => {
  const { work, all, told, tries } = scenario(1, { tries: 3 });
  const first = new Error("first");
  assert.equal(await tryAgain(first, work, all), "try 2");
  assert.equal(tries(), 2);
  assert.deepEqual(told.map(({ error, attempt }) => [error, attempt]), [[first, 1], [down, 2]]);
  await assert.rejects(tryAgain(first, work, { ...all, again: () => false }), first);
});
