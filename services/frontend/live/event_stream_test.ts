import assert from "node:assert/strict";
import { eventStream } from "./event_stream.ts";

/** Frames without end, and how often each thing happened. */
function setUp(restAfterMs: number) {
  const counts = { made: 0, closed: 0 };
  const rested = Promise.withResolvers<void>();
  async function* frames() {
    while (counts.closed === 0) yield await Promise.resolve(`frame ${++counts.made}`);
  }
  const { body } = eventStream(frames(), {
    close: () => counts.closed++,
    rest: rested.resolve,
    restAfterMs,
  });
  return { counts, rested: rested.promise, reader: body!.getReader() };
}

Deno.test("eventStream makes a frame only when it is taken", async () => {
  const { counts, reader } = setUp(60_000);
  assert.equal(counts.made, 0);
  for (const made of [1, 2, 3]) {
    const { value } = await reader.read();
    assert.equal(new TextDecoder().decode(value), `frame ${made}`);
    assert.equal(counts.made, made);
  }
  await reader.cancel();
  assert.equal(counts.closed, 1);
});

Deno.test("eventStream rests once its viewer takes nothing for long, and goes on if it does", async () => {
  const { counts, rested, reader } = setUp(1);
  await reader.read();
  await rested;
  assert.deepEqual(counts, { made: 1, closed: 0 });
  assert.equal((await reader.read()).done, false);
  await reader.cancel();
  assert.equal(counts.closed, 1);
});
