import assert from "node:assert/strict";
import {
  concat,
  endHeaders,
  field,
  frame,
  frameType,
  preface,
  requestFields,
} from "../../../../tests/support/http2_frames.ts";
import { HeaderGuard } from "./header_guard.ts";

const { data, headers, continuation, settings } = frameType;
const limits = { maxBytes: 1_000, maxFields: 10 };
const opening = concat(preface, frame(settings, 0, 0));
const request = requestFields("/x");

/** A field that makes a block so much larger. */
const filler = (length: number) => field(0, "x", "y".repeat(length));

Deno.test("HeaderGuard passes what is in its bounds, however it is cut into chunks and frames", () => {
  const padded = concat(new Uint8Array([3]), request, new Uint8Array(3));
  const prioritised = concat(new Uint8Array(5), request);
  const bytes = concat(
    opening,
    frame(headers, endHeaders, 1, request),
    frame(data, 0, 1, new Uint8Array(30_000).fill(headers)),
    frame(headers, endHeaders | 0x8, 3, padded),
    frame(headers, endHeaders | 0x20, 5, prioritised),
    frame(headers, 0, 7, request.subarray(0, 9)),
    frame(continuation, 0, 7, request.subarray(9, 20)),
    frame(continuation, 0, 7),
    frame(continuation, endHeaders, 7, request.subarray(20)),
  );
  for (const size of [1, 2, 7, 64, bytes.length]) {
    const guard = new HeaderGuard(limits);
    for (let at = 0; at < bytes.length; at += size) {
      assert.ok(guard.accepts(bytes.subarray(at, at + size)), `${at}, in chunks of ${size}`);
    }
    assert.equal(guard.open, false);
  }
});

Deno.test("HeaderGuard refuses lists and blocks past their bounds, and what is no HPACK", () => {
  const planted = field(0x40, "x", "a".repeat(400));
  const refused: Record<string, Uint8Array> = {
    bytes: frame(headers, endHeaders, 1, concat(request, filler(900))),
    fields: frame(headers, endHeaders, 1, concat(request, ...Array(5).fill(filler(1)))),
    references: concat(
      frame(headers, endHeaders, 1, planted),
      frame(headers, endHeaders, 3, new Uint8Array([0xbe, 0xbe, 0xbe])),
    ),
    "an endless block": concat(
      frame(headers, 0, 1, request),
      ...Array(10).fill(frame(continuation, 0, 1, filler(100))),
    ),
    "a frame of 16 MB": new Uint8Array([0xff, 0xff, 0xff, headers, 0, 0, 0, 0, 1]),
    "no HPACK": frame(headers, endHeaders, 1, new Uint8Array([0x80])),
    "more padding than frame": frame(headers, endHeaders | 0x8, 1, new Uint8Array([9, 0x82])),
  };
  for (const [what, bytes] of Object.entries(refused)) {
    assert.equal(new HeaderGuard(limits).accepts(concat(opening, bytes)), false, what);
  }
});

Deno.test("HeaderGuard knows when a block has begun and not ended", () => {
  const guard = new HeaderGuard(limits);
  guard.accepts(concat(opening, frame(headers, 0, 1, request)));
  assert.equal(guard.open, true);
  guard.accepts(frame(continuation, endHeaders, 1));
  assert.equal(guard.open, false);
});
