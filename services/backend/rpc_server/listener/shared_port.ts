import { type AddressInfo, createServer, type Socket } from "node:net";
import { listenError } from "#shared/http/http_server.ts";
import { sleep } from "#shared/lifecycle/sleep.ts";
import {
  type Connection,
  OpenConnections,
  type OpenConnectionsOptions,
} from "./open_connections.ts";
import { sniffProtocol } from "./sniff_protocol.ts";

/** What serves the connections of one protocol. */
export interface Connections {
  accept(socket: Socket): Connection;
  /** Lets the calls in hand finish and closes each connection after its last one. */
  drain(): void;
  /** Ends every connection at once. */
  destroy(): void;
}

export interface SharedPortOptions extends OpenConnectionsOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** The setting that chose the port. */
  readonly portKey: string;
  readonly http1: Connections;
  readonly http2: Connections;
  /** Longest a client may take to show which protocol it speaks, in milliseconds. */
  readonly sniffMs: number;
  /** Longest that calls in hand may take to finish once the port closes, in milliseconds. */
  readonly graceMs: number;
}

export interface SharedPort extends AsyncDisposable {
  readonly port: number;
}

/** How long a silent peer is left before TCP asks whether it is still there. */
const tcpKeepAliveMs = 60_000;

/**
 * Listens on one port for HTTP/1.1 and HTTP/2 without TLS, told apart by a
 * connection's first bytes. Closing it lets calls in hand finish.
 *
 * @throws {ExitError} if the port cannot be listened on.
 */
export async function listenOnSharedPort(options: SharedPortOptions): Promise<SharedPort> {
  const { host, port, portKey, http1, http2, sniffMs, graceMs } = options;
  const undecided = new Set<Socket>();
  using starting = new DisposableStack();
  const open = starting.use(new OpenConnections(options));
  // As node:http has it: what the end of a client's side means is for the protocol to say.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    // A broken connection is no fault of the server; its `close` follows.
    socket.on("error", () => {});
    if (!open.admit(socket)) return;
    undecided.add(socket);
    socket.once("close", () => undecided.delete(socket));
    socket.setNoDelay(true);
    socket.setKeepAlive(true, tcpKeepAliveMs);
    sniffProtocol(socket, sniffMs, (protocol) => {
      undecided.delete(socket);
      open.serve(socket, (protocol === "http2" ? http2 : http1).accept(socket));
    });
  });
  const listening = Promise.withResolvers<void>();
  server.once("error", (error) => listening.reject(listenError(error, host, port, portKey)));
  server.listen(port, host, () => listening.resolve());
  await listening.promise;
  const running = starting.move();
  return {
    // A TCP server has no address of another kind while it listens.
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      for (const socket of undecided) socket.destroy();
      http1.drain();
      http2.drain();
      const settled = new AbortController();
      closed.promise.then(() => settled.abort());
      await sleep(graceMs, settled.signal);
      running.dispose();
      http1.destroy();
      http2.destroy();
      open.destroyAll();
      await closed.promise;
    },
  };
}
