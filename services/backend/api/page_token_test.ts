import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Code, ConnectError } from "@connectrpc/connect";
import fc from "fast-check";
import { deviceToken, readDeviceToken, readingToken, readReadingToken } from "./page_token.ts";

const id = fc.string({ unit: "binary", minLength: 1, maxLength: 255 })
  .filter((id) => id.isWellFormed() && !/\p{Cc}/u.test(id));
const position = fc.record({
  micros: fc.integer({ min: 946_684_800e6, max: 4_102_444_800e6 }),
  tieBreak: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
}, { noNullPrototype: true });

function refused(read: () => unknown, why = ""): void {
  assert.throws(read, (error) => {
    assert.ok(error instanceof ConnectError, why);
    assert.equal(error.code, Code.InvalidArgument);
    return true;
  }, why);
}

Deno.test("Page tokens give back what they were made of", () => {
  fc.assert(fc.property(id, position, (id, position) => {
    assert.deepEqual(readReadingToken(0, id, readingToken(0, id, position)), position);
    assert.equal(readDeviceToken(0, deviceToken(0, id)), id);
    assert.equal(readDeviceToken(7, deviceToken(7, id)), id);
  }));
  assert.equal(readDeviceToken(0, ""), undefined);
  assert.equal(readReadingToken(0, "d", ""), undefined);
});

Deno.test("Page tokens of another list are refused", () => {
  fc.assert(fc.property(id, id, position, (id, other, position) => {
    fc.pre(id !== other);
    refused(() => readReadingToken(0, other, readingToken(0, id, position)));
    refused(() => readDeviceToken(0, readingToken(0, id, position)));
    refused(() => readReadingToken(0, id, deviceToken(0, id)));
    refused(() => readReadingToken(7, id, readingToken(0, id, position)), "another tenant's");
    refused(() => readDeviceToken(0, deviceToken(7, id)), "another tenant's");
  }));
});

Deno.test("Page tokens with one character altered, added or left out are refused", () => {
  const token = readingToken(0, "d", { micros: 1_709_294_400_000_000, tieBreak: 123_456_789n });
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/= .";
  for (let at = 0; at <= token.length; at++) {
    for (const character of alphabet) {
      const inserted = token.slice(0, at) + character + token.slice(at);
      refused(() => readReadingToken(0, "d", inserted), inserted);
      if (token[at] === character || at === token.length) continue;
      const altered = token.slice(0, at) + character + token.slice(at + 1);
      refused(() => readReadingToken(0, "d", altered), altered);
    }
    if (at < token.length) {
      refused(() => readReadingToken(0, "d", token.slice(0, at) + token.slice(at + 1)));
    }
  }
});

Deno.test("Text that is no page token is refused", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ minLength: 1 }), fc.base64String({ minLength: 4 })),
      (token) => {
        refused(() => readReadingToken(0, "d", token));
        refused(() => readDeviceToken(0, token));
      },
    ),
    { numRuns: 5_000 },
  );
});

Deno.test("Page tokens sealed by somebody who knows the checksum do no harm", () => {
  const seal = (scope: string, payload: Uint8Array) => {
    let hash = 0x811c9dc5;
    for (const byte of [...Buffer.from(`${scope}\0`), ...payload]) {
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
    const head = Buffer.alloc(5);
    head[0] = 1;
    head.writeUInt32BE(hash >>> 0, 1);
    return Buffer.concat([head, payload]).toString("base64url");
  };
  assert.equal(readDeviceToken(0, seal("devices", Buffer.from("abc"))), "abc", "as sealed here");
  refused(() => readDeviceToken(0, seal("devices", Buffer.from("a\0b"))));
  const place = Buffer.alloc(16, 0x7f);
  refused(() => readReadingToken(0, "d", seal("readings d", place)));
  refused(() => readReadingToken(0, "d", seal("readings d", place.subarray(1))));
});
