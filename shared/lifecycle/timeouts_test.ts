import assert from "node:assert/strict";
import { Timeouts } from "./timeouts.ts";

Deno.test("Timeouts calls those that are late, in their order, and none that was stopped", async () => {
  using timeouts = new Timeouts(20);
  const { promise, resolve } = Promise.withResolvers<void>();
  const late: string[] = [];
  timeouts.start(() => late.push("first"));
  const stop = timeouts.start(() => late.push("stopped"));
  timeouts.start(() => {
    late.push("second");
    // Started as another ends, it has its own whole time.
    timeouts.start(() => {
      late.push("third");
      resolve();
    });
  });
  stop();
  const startedMs = performance.now();
  await promise;
  assert.deepEqual(late, ["first", "second", "third"]);
  assert.ok(performance.now() - startedMs >= 39);
});

Deno.test("Timeouts leaves no timer once it is disposed", () => {
  const timeouts = new Timeouts(60_000);
  timeouts.start(() => assert.fail());
  timeouts[Symbol.dispose]();
  timeouts.start(() => assert.fail());
});
