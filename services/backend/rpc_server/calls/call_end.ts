import { constants } from "node:http2";
import { Code, ConnectError, createContextKey } from "@connectrpc/connect";

const {
  NGHTTP2_PROTOCOL_ERROR,
  NGHTTP2_INTERNAL_ERROR,
  NGHTTP2_FLOW_CONTROL_ERROR,
  NGHTTP2_SETTINGS_TIMEOUT,
  NGHTTP2_FRAME_SIZE_ERROR,
  NGHTTP2_REFUSED_STREAM,
  NGHTTP2_COMPRESSION_ERROR,
  NGHTTP2_CONNECT_ERROR,
  NGHTTP2_ENHANCE_YOUR_CALM,
  NGHTTP2_INADEQUATE_SECURITY,
} = constants;

/** As gRPC's mapping of HTTP/2's error codes has them; CANCELLED for all others. */
const codes = new Map<number, Code>([
  [NGHTTP2_PROTOCOL_ERROR, Code.Internal],
  [NGHTTP2_INTERNAL_ERROR, Code.Internal],
  [NGHTTP2_FLOW_CONTROL_ERROR, Code.Internal],
  [NGHTTP2_SETTINGS_TIMEOUT, Code.Internal],
  [NGHTTP2_FRAME_SIZE_ERROR, Code.Internal],
  [NGHTTP2_REFUSED_STREAM, Code.Unavailable],
  [NGHTTP2_COMPRESSION_ERROR, Code.Internal],
  [NGHTTP2_CONNECT_ERROR, Code.Internal],
  [NGHTTP2_ENHANCE_YOUR_CALM, Code.ResourceExhausted],
  [NGHTTP2_INADEQUATE_SECURITY, Code.PermissionDenied],
]);

/** One for all: an error costs its stack, and of a call that is over hardly anyone asks why. */
const over = new ConnectError("the call is over", Code.Canceled);

/** Why a call is over, by how its stream was closed. */
export function callEnd(resetCode = 0): ConnectError {
  const code = codes.get(resetCode);
  if (code === undefined) return over;
  return new ConnectError(`the stream was reset with HTTP/2 error ${resetCode}`, code);
}

/** Ends a call before its client does: aborts its `ctx.signal`, for the reason given. */
export const endCall = createContextKey<(reason: ConnectError) => void>(() => {}, {
  description: "ends the call",
});
