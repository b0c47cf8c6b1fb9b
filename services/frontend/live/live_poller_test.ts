import assert from "node:assert/strict";
import { LivePoller } from "./live_poller.ts";

const nowMs = 1_700_000_000_000;

function brought(value: unknown) {
  return { ok: true, value, asOfMs: nowMs };
}

/** A poller whose pauses last until `tick` is called. */
function steppedPoller() {
  let resume = () => {};
  let pauses = 0;
  const poller = new LivePoller({
    intervalMs: 1_000,
    now: () => nowMs,
    sleep: (_ms, signal) => {
      pauses++;
      const { promise, resolve } = Promise.withResolvers<void>();
      resume = resolve;
      signal?.addEventListener("abort", () => resolve(), { once: true });
      return promise;
    },
  });
  return { poller, tick: () => resume(), pauses: () => pauses };
}

Deno.test("LivePoller makes one call a poll, however many watch", async () => {
  const { poller, tick } = steppedPoller();
  await using _ = poller;
  let calls = 0;
  const watches = Array.from(
    { length: 20 },
    () => poller.watch("k", () => Promise.resolve(++calls)),
  );
  for (const round of [1, 2, 3]) {
    const outcomes = await Promise.all(watches.map((watch) => watch.next()));
    assert.deepEqual(outcomes, Array(20).fill(brought(round)));
    tick();
  }
});

Deno.test("LivePoller polls only while someone watches", async () => {
  const { poller, tick, pauses } = steppedPoller();
  await using _ = poller;
  let calls = 0;
  const load = () => Promise.resolve(++calls);
  const first = poller.watch("k", load);
  const second = poller.watch("k", load);
  await Promise.all([first.next(), second.next()]);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  tick();
  assert.deepEqual(await second.next(), brought(2));
  second[Symbol.dispose]();
  tick();
  assert.equal(await second.next(), undefined);
  assert.equal(calls, 2);
  assert.equal(pauses(), 2);
  const third = poller.watch("k", load);
  assert.deepEqual(await third.next(), brought(3));
});

Deno.test("LivePoller lets a slow viewer skip to the latest outcome", async () => {
  const { poller, tick } = steppedPoller();
  await using _ = poller;
  let calls = 0;
  const fast = poller.watch("k", () => Promise.resolve(++calls));
  const slow = poller.watch("k", () => Promise.resolve(++calls));
  for (let i = 0; i < 5; i++) {
    await fast.next();
    if (i < 4) tick();
  }
  assert.deepEqual(await slow.next(), brought(5));
});

Deno.test("LivePoller reports a failure and goes on", async () => {
  const { poller, tick } = steppedPoller();
  await using _ = poller;
  let calls = 0;
  const watch = poller.watch("k", () => {
    calls++;
    return calls === 1 ? Promise.reject(new Error("down")) : Promise.resolve("up");
  });
  const failed = await watch.next();
  assert.equal(failed?.ok, false);
  tick();
  assert.deepEqual(await watch.next(), brought("up"));
});

Deno.test("LivePoller ends every watch when disposed, and a call under way with it", async () => {
  const { poller } = steppedPoller();
  let aborted = false;
  const watch = poller.watch("k", (signal) => {
    const { promise, reject } = Promise.withResolvers<never>();
    signal.addEventListener("abort", () => {
      aborted = true;
      reject(signal.reason);
    });
    return promise;
  });
  const pending = watch.next();
  await poller[Symbol.asyncDispose]();
  assert.equal(await pending, undefined);
  assert.equal(aborted, true);
  const late = poller.watch("other", () => Promise.reject(new Error("must not be called")));
  assert.equal(await late.next(), undefined);
});
