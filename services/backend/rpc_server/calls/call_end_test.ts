import assert from "node:assert/strict";
import { constants } from "node:http2";
import { Code } from "@connectrpc/connect";
import { callEnd } from "./call_end.ts";

Deno.test("callEnd takes its code from how a stream was reset, and says of any other end that it was cancelled", () => {
  const ends = [
    [constants.NGHTTP2_NO_ERROR, Code.Canceled],
    [constants.NGHTTP2_CANCEL, Code.Canceled],
    [constants.NGHTTP2_PROTOCOL_ERROR, Code.Internal],
    [constants.NGHTTP2_REFUSED_STREAM, Code.Unavailable],
    [constants.NGHTTP2_ENHANCE_YOUR_CALM, Code.ResourceExhausted],
    [undefined, Code.Canceled],
  ] as const;
  for (const [reset, code] of ends) assert.equal(callEnd(reset).code, code, String(reset));
});
