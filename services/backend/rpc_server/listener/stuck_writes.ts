import type { NodeRequest, NodeResponse } from "../requests/node_http.ts";

/**
 * Wakes the writer of a response whose client has gone.
 *
 * A write that flow control has parked gets neither `drain` nor an error when
 * the peer resets the stream, so the RPC's generator would wait for ever, with
 * all that it holds. The next write after this `drain` fails, which ends it.
 */
export function endStuckWrites(request: NodeRequest, response: NodeResponse): void {
  const closing = "stream" in request ? request.stream : response;
  closing.once("close", () => response.emit("drain"));
}
