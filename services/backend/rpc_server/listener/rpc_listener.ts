import type { Socket } from "node:net";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { universalResponseToNodeResponse } from "@connectrpc/connect-node";
import type { Logger } from "@logtape/logtape";
import type { CallLimits, HeldCall } from "../calls/call_limits.ts";
import type { NodeRequest, NodeResponse } from "../requests/node_http.ts";
import { discardUnreadRequest } from "../requests/unread_request.ts";
import { endStuckWrites } from "./stuck_writes.ts";

export type RpcListener = (request: NodeRequest, response: NodeResponse, socket: Socket) => void;

/**
 * Serves a router's RPCs to node:http and node:http2.
 *
 * As `connectNodeAdapter` does, but a request that it cannot even read (no
 * host, or a host that makes no URL) is answered 400, where the adapter throws
 * out of the event and so ends the process; and what goes wrong is logged.
 */
export function rpcListener(
  router: ConnectRouter,
  { limits, log }: { readonly limits: CallLimits; readonly log: Logger },
): RpcListener {
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  return (request, response, socket) => {
    discardUnreadRequest(request);
    const handler = handlers.get(request.url?.split("?", 1)[0] ?? "");
    if (handler === undefined) return answer(response, 404);
    endStuckWrites(request, response);
    let held: HeldCall;
    try {
      held = limits.hold({ request, response, socket, kind: handler.method.methodKind });
    } catch {
      return answer(response, 400);
    }
    handler(held.call)
      .then((result) => universalResponseToNodeResponse(held.answer(result), response))
      .catch((error: unknown) => {
        const { code } = ConnectError.from(error);
        // The client has gone, which its connection may tell before the call does.
        const gone = held.over || socket.destroyed || socket.errored !== null;
        if (code === Code.Aborted || code === Code.Canceled || gone) return;
        const method = `${handler.service.typeName}/${handler.method.name}`;
        log.error("Cannot answer RPC", { method, error });
        if (!response.headersSent) answer(response, 500);
      });
  };
}

function answer(response: NodeResponse, status: number): void {
  // The two kinds of response share the call, but TypeScript finds no common signature.
  const { stream } = response as { readonly stream?: { readonly destroyed: boolean } };
  if (stream?.destroyed) return;
  response.statusCode = status;
  response.end();
}
