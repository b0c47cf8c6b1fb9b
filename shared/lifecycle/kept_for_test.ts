import assert from "node:assert/strict";
import { keptFor } from "./kept_for.ts";

Deno.test("keptFor shares an answer while it is under way, and for a time after", async () => {
  let nowMs = 0;
  const asked: PromiseWithResolvers<number>[] = [];
  const get = keptFor(1_000, () => {
    const answer = Promise.withResolvers<number>();
    asked.push(answer);
    return answer.promise;
  }, () => nowMs);
  const first = get();
  nowMs = 60_000;
  assert.equal(get(), first);
  asked[0]!.resolve(1);
  assert.equal(await first, 1);
  nowMs = 60_999;
  assert.equal(get(), first);
  nowMs = 61_000;
  const second = get();
  asked[1]!.reject(new Error("down"));
  await assert.rejects(second, /down/);
  await assert.rejects(get(), /down/);
  assert.equal(asked.length, 2);
});
