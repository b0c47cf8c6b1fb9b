import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Code } from "@connectrpc/connect";
import fc from "fast-check";
import { hasEnvelopes, WholeMessages } from "./whole_messages.ts";

const maxBytes = 300;

function enveloped(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

Deno.test("WholeMessages passes every byte on, at the end of a message and no sooner", () => {
  fc.assert(fc.property(
    fc.array(fc.uint8Array({ maxLength: maxBytes }), { maxLength: 8 }),
    fc.array(fc.nat()),
    (messages, cuts) => {
      const envelopes = messages.map(enveloped);
      const bytes = Buffer.concat(envelopes);
      const ends = new Set<number>();
      envelopes.reduce((end, { length }) => ends.add(end + length) && end + length, 0);
      const at = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length]
        .sort((a, b) => a - b);
      const whole = new WholeMessages(maxBytes);
      const passed: Uint8Array[] = [];
      let passedBytes = 0;
      let from = 0;
      for (const to of at) {
        const passing = whole.push(bytes.subarray(from, to));
        from = to;
        if (passing !== undefined && passing.length > 0) {
          passed.push(passing);
          passedBytes += passing.length;
          assert.ok(ends.has(passedBytes));
        }
        assert.equal(whole.heldBytes, to - passedBytes);
        assert.ok(
          ![...ends].some((end) => end > passedBytes && end <= to),
          "nothing whole is held",
        );
      }
      whole.end();
      assert.deepEqual(Buffer.concat(passed), bytes);
    },
  ));
});

Deno.test("WholeMessages passes on at once what is longer than may be, for its refusal", () => {
  const whole = new WholeMessages(maxBytes);
  const begun = enveloped(new Uint8Array(maxBytes + 1)).subarray(0, 5);
  assert.equal(whole.push(begun.subarray(0, 4)), undefined);
  assert.deepEqual(whole.push(begun.subarray(4)), begun);
  assert.deepEqual(whole.push(new Uint8Array(9)), new Uint8Array(9));
});

Deno.test("WholeMessages refuses a body that ends within a message", () => {
  for (const cut of [1, 5, 11]) {
    const whole = new WholeMessages(maxBytes);
    whole.push(enveloped(new Uint8Array(7)).subarray(0, cut));
    assert.throws(() => whole.end(), {
      code: Code.InvalidArgument,
      rawMessage: `the request ends within a message: ${cut} of ${
        cut < 5 ? 5 : 12
      } bytes of it came`,
    });
  }
});

Deno.test("messages come in envelopes by gRPC, gRPC-Web and in Connect's streams", () => {
  for (
    const type of ["application/grpc", "application/grpc-web+json", "application/connect+proto"]
  ) assert.ok(hasEnvelopes(type), type);
  for (const type of ["application/json", "application/proto", "text/grpc", null]) {
    assert.ok(!hasEnvelopes(type), String(type));
  }
});
