import assert from "node:assert/strict";
import { Code } from "@connectrpc/connect";
import { LargeAnswers } from "./large_answers.ts";

const never = new AbortController().signal;
const limits = { atOnce: 2, maxWaiting: 2, maxWaitMs: 60_000, room: () => true };

/** Something to make that takes until it is told. */
function held() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const make = async () => {
    started.resolve();
    await promise;
  };
  return { make, finish: resolve, started: started.promise };
}

Deno.test("LargeAnswers makes so many at once, and the others in their order", async () => {
  const large = new LargeAnswers(limits);
  const order: number[] = [];
  const parts = [held(), held(), held(), held()];
  const made = parts.map(({ make }, at) =>
    large.make(never, async () => {
      order.push(at);
      await make();
    })
  );
  await parts[1]!.started;
  assert.deepEqual(order, [0, 1]);
  await assert.rejects(large.make(never, parts[0]!.make), { code: Code.ResourceExhausted });
  parts[1]!.finish();
  await parts[2]!.started;
  for (const { finish } of parts) finish();
  await Promise.all(made);
  assert.deepEqual(order, [0, 1, 2, 3]);
});

Deno.test("LargeAnswers loses no turn to one who leaves or waits too long, nor to a failure", async () => {
  const large = new LargeAnswers({ ...limits, atOnce: 1, maxWaitMs: 20 });
  const first = held();
  const making = large.make(never, first.make);
  const leaving = new AbortController();
  const left = large.make(leaving.signal, () => Promise.resolve());
  const late = large.make(never, () => Promise.resolve());
  leaving.abort(new Error("gone"));
  await assert.rejects(left, { message: "gone" });
  await assert.rejects(late, { code: Code.ResourceExhausted });
  first.finish();
  await making;
  await assert.rejects(large.make(never, () => Promise.reject(new Error("no"))), { message: "no" });
  assert.equal(await large.make(never, () => Promise.resolve("made")), "made");
});

Deno.test("LargeAnswers waits for room", async () => {
  let room = false;
  const large = new LargeAnswers({ ...limits, room: () => room });
  const making = large.make(never, () => Promise.resolve("made"));
  room = true;
  assert.equal(await making, "made");
});
