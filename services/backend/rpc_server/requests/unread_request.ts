import { constants } from "node:http2";
import type { NodeRequest } from "./node_http.ts";

/** Longest that the rest of a request may take to come, in milliseconds. */
const restMs = 1_000;

/**
 * Discards what is left of an HTTP/2 request once it is answered, and closes
 * its stream if that does not end soon: a client could hold it for ever.
 *
 * An RPC that fails early (a message too large, say) leaves the rest of its
 * request unread, and node:http2 holds the stream open for it, even when the
 * client resets it: a place among the connection's concurrent streams is lost,
 * and the connection never closes by itself. (node:http does this on its own.)
 */
export function discardUnreadRequest(request: NodeRequest): void {
  if (!("stream" in request)) return;
  const { stream } = request;
  stream.once("finish", () => {
    if (stream.readableEnded) return;
    // The request object would pause the stream again, as nobody reads it.
    stream.removeAllListeners("data");
    stream.on("data", () => {});
    stream.resume();
    // Not at once: the trailers of the answer follow what the stream says is its end.
    const late = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), restMs);
    stream.once("close", () => clearTimeout(late));
  });
}
