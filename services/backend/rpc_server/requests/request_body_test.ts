import assert from "node:assert/strict";
import { Code } from "@connectrpc/connect";
import { Timeouts } from "#shared/lifecycle/timeouts.ts";
import { RequestBody } from "./request_body.ts";
import { WholeMessages } from "./whole_messages.ts";

/** A body of these chunks, which then goes on without end, and what is held of it. */
function bodyOf(chunks: readonly Uint8Array[], { many }: { readonly many: boolean }) {
  const timeouts = new Timeouts(3_600_000);
  const seen = { held: 0, reasons: [] as string[] };
  async function* source() {
    yield* chunks;
    await new Promise(() => {});
  }
  const body = new RequestBody(source(), {
    times: { request: timeouts, pause: timeouts },
    many,
    maxBytes: 100,
    messages: new WholeMessages(50),
    held: (bytes) => void (seen.held += bytes),
    gaveUp: (reason) => void seen.reasons.push(reason),
  });
  return { body, seen, [Symbol.dispose]: () => timeouts[Symbol.dispose]() };
}

/** A message of so many bytes, in its envelope. */
const message = (length: number) => new Uint8Array([0, 0, 0, 0, length, ...Array(length).fill(7)]);

Deno.test("RequestBody holds nothing once its call is over, whoever still asks", async () => {
  for (const many of [true, false]) {
    using one = bodyOf([new Uint8Array([...message(9), ...message(9).subarray(0, 8)])], { many });
    const { value } = await one.body.next();
    assert.deepEqual(value, message(9));
    assert.ok(one.seen.held > 0);
    one.body.close();
    assert.equal(one.seen.held, 0);
    await assert.rejects(one.body.next(), { code: Code.Canceled });
    one.body.close();
    assert.equal(one.seen.held, 0);
  }
});

Deno.test("RequestBody of many messages holds those that are not yet read", async () => {
  using one = bodyOf([message(9), message(9).subarray(0, 8)], { many: true });
  await one.body.next();
  const held = one.seen.held;
  const next = one.body.next();
  next.catch(() => {});
  assert.equal(one.seen.held, 0);
  await new Promise((resolve) => setTimeout(resolve));
  assert.ok(one.seen.held > 0 && one.seen.held < held);
  one.body.close();
  assert.equal(one.seen.held, 0);
});

Deno.test("RequestBody of one message fails where there is more than that", async () => {
  using one = bodyOf([message(49), message(49)], { many: false });
  await one.body.next();
  await assert.rejects(one.body.next(), { code: Code.ResourceExhausted });
  assert.deepEqual(one.seen, { held: 0, reasons: ["request_bytes"] });
  await assert.rejects(one.body.next(), { code: Code.ResourceExhausted });
});
