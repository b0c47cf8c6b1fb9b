import { constants, createServer, type Http2Session, type ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import { HeaderGuard, type HeaderLimits } from "../headers/header_guard.ts";
import type { CountRefusal } from "../requests/refusals.ts";
import { guardGoaway } from "./goaway_guard.ts";
import type { RpcListener } from "./rpc_listener.ts";
import type { Connections } from "./shared_port.ts";

/** Calls that one connection may have in hand; further ones wait in the client. */
const maxConcurrentStreams = 256;

export interface Http2Options {
  readonly listener: RpcListener;
  readonly headers: HeaderLimits;
  /** Longest that a header block that has begun may take, in milliseconds. */
  readonly maxHeaderMs: number;
  readonly refused: CountRefusal;
}

/** gRPC, Connect and gRPC-Web over HTTP/2 without TLS. */
export function http2Connections(options: Http2Options): Connections {
  const { listener, headers, maxHeaderMs, refused } = options;
  const sessions = new Map<Http2Session, Socket>();
  const settings = { maxConcurrentStreams, maxHeaderListSize: headers.maxBytes };
  const server = createServer({ settings }, (request, response) => {
    const { session } = request.stream;
    const socket = session && sessions.get(session);
    if (socket !== undefined) listener(request, response, socket);
  });
  // What a peer does to its own connection is no fault of the server.
  server.on("sessionError", () => {});
  return {
    accept(socket) {
      // A client that has closed its side of an HTTP/2 connection has left.
      socket.allowHalfOpen = false;
      const guard = new HeaderGuard(headers);
      let late: ReturnType<typeof setTimeout> | undefined;
      let session: ServerHttp2Session | undefined;
      /** Calls whose requests have come whole. */
      let inHand = 0;
      let idleSinceMs = performance.now();
      const refuse = () => {
        refused("headers");
        session?.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
      };
      // Before the session, which listens too and takes nothing once it is destroyed.
      socket.on("data", (chunk: Uint8Array) => {
        if (session?.destroyed) return;
        if (!guard.accepts(chunk)) return refuse();
        if (guard.open) late ??= setTimeout(refuse, maxHeaderMs);
        else if (late !== undefined) late = void clearTimeout(late);
      });
      socket.once("close", () => clearTimeout(late));
      server.once("session", (opened) => {
        session = opened;
        guardGoaway(opened);
        sessions.set(opened, socket);
        opened.once("close", () => sessions.delete(opened));
        opened.on("stream", (stream, _headers, flags) => {
          let came = false;
          const take = () => {
            came = true;
            inHand++;
          };
          if (flags & constants.NGHTTP2_FLAG_END_STREAM) take();
          else stream.once("end", take);
          stream.once("close", () => {
            if (came && --inHand === 0) idleSinceMs = performance.now();
          });
        });
      });
      server.emit("connection", socket);
      return {
        idleSinceMs: () => inHand === 0 ? idleSinceMs : undefined,
        end: () => session?.close(),
      };
    },
    drain() {
      for (const session of sessions.keys()) session.close();
    },
    destroy() {
      for (const session of sessions.keys()) session.destroy();
    },
  };
}
