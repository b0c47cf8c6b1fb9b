import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { RpcListener } from "./rpc_listener.ts";
import type { Connections } from "./shared_port.ts";

interface Connection {
  readonly inHand: Map<ServerResponse, IncomingMessage>;
  idle: ReturnType<typeof setTimeout> | undefined;
  idleSinceMs: number;
}

/**
 * Connect and gRPC-Web over HTTP/1.1, for `curl` and browsers.
 *
 * node:http times slow requests out only on ports that it listens on itself, so
 * a connection without a whole request head is ended here after `maxIdleMs`,
 * however slowly its bytes come in.
 */
export function http1Connections(listener: RpcListener, maxIdleMs: number): Connections {
  const connections = new Map<Socket, Connection>();
  let draining = false;
  const server = createServer((request, response) => {
    const { socket } = request;
    const connection = connections.get(socket);
    if (connection === undefined) return;
    connection.inHand.set(response, request);
    clearTimeout(connection.idle);
    if (draining) response.setHeader("connection", "close");
    response.once("close", () => {
      connection.inHand.delete(response);
      if (connection.inHand.size > 0) return;
      if (draining) socket.destroySoon();
      else waitForRequest(socket, connection);
    });
    listener(request, response, socket);
  });

  function waitForRequest(socket: Socket, connection: Connection): void {
    clearTimeout(connection.idle);
    connection.idleSinceMs = performance.now();
    if (!socket.destroyed) connection.idle = setTimeout(() => socket.destroy(), maxIdleMs);
  }

  return {
    accept(socket) {
      const connection: Connection = { inHand: new Map(), idle: undefined, idleSinceMs: 0 };
      connections.set(socket, connection);
      socket.once("close", () => {
        clearTimeout(connection.idle);
        connections.delete(socket);
        // node:http says so only of the one whose turn it is, and of none that wait behind it.
        for (const response of connection.inHand.keys()) response.emit("close");
      });
      waitForRequest(socket, connection);
      server.emit("connection", socket);
      const { inHand } = connection;
      return {
        idleSinceMs: () =>
          inHand.values().some(({ complete }) => complete) ? undefined : connection.idleSinceMs,
        end: () => socket.destroySoon(),
      };
    },
    drain() {
      draining = true;
      for (const [socket, { inHand }] of connections) {
        if (inHand.size === 0) socket.destroySoon();
        for (const response of inHand.keys()) {
          if (!response.headersSent) response.setHeader("connection", "close");
        }
      }
    },
    destroy() {
      for (const socket of connections.keys()) socket.destroy();
    },
  };
}
