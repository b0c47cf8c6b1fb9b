import { createServer, type ServerHttp2Session } from "node:http2";
import { guardGoaway } from "./goaway_guard.ts";
import type { RpcListener } from "./rpc_listener.ts";
import type { Connections } from "./shared_port.ts";

/** Calls that one connection may have in hand; further ones wait in the client. */
const maxConcurrentStreams = 256;

/** gRPC, Connect and gRPC-Web over HTTP/2 without TLS. */
export function http2Connections(listener: RpcListener): Connections {
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer({ settings: { maxConcurrentStreams } }, listener);
  server.on("session", (session) => {
    guardGoaway(session);
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  // What a peer does to its own connection is no fault of the server.
  server.on("sessionError", () => {});
  return {
    accept(socket) {
      // A client that has closed its side of an HTTP/2 connection has left.
      socket.allowHalfOpen = false;
      server.emit("connection", socket);
    },
    drain() {
      for (const session of sessions) session.close();
    },
    destroy() {
      for (const session of sessions) session.destroy();
    },
  };
}
