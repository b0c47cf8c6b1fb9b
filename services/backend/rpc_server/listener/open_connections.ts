import type { Socket } from "node:net";
import type { CountRefusal } from "../requests/refusals.ts";
import { StalledSockets } from "./stalled_sockets.ts";

/** One connection that is served. */
export interface Connection {
  /**
   * Since when it has no call in hand, in `performance.now()`; undefined while it
   * has. A request that has not come whole is none yet, or who sends none could
   * keep others out.
   */
  idleSinceMs(): number | undefined;
  /** Ends it, once it is idle. */
  end(): void;
}

export interface OpenConnectionsOptions {
  readonly maxConnections: number;
  /** Longest that a client may take nothing of what is to be sent to it, in milliseconds. */
  readonly stalledMs: number;
  readonly refused: CountRefusal;
}

/** How often connections that take nothing are looked for, in milliseconds. */
const watchMs = 1_000;

/** Longest that the polite end of an idle connection may take, in milliseconds. */
const endMs = 1_000;

/**
 * The connections of one port, so many at most: one more makes the one that has
 * been idle for longest give way, so that nobody can keep others out by holding
 * connections open, and is itself refused where all of them work.
 */
export class OpenConnections implements Disposable {
  readonly #options: OpenConnectionsOptions;
  readonly #serving = new Map<Socket, Connection>();
  readonly #all = new Set<Socket>();
  readonly #watch: ReturnType<typeof setInterval>;

  constructor(options: OpenConnectionsOptions) {
    this.#options = options;
    const stalled = new StalledSockets(options.stalledMs, () => performance.now());
    this.#watch = setInterval(() => {
      for (const socket of [...this.#all].filter((socket) => stalled.has(socket))) {
        options.refused("unread");
        socket.destroy();
      }
    }, watchMs);
  }

  /** Takes a new connection, or refuses it and returns false. */
  admit(socket: Socket): boolean {
    const { maxConnections, refused } = this.#options;
    if (this.#serving.size >= maxConnections && !this.#endIdlest()) {
      refused("connections");
      socket.destroy();
      return false;
    }
    const openedMs = performance.now();
    this.#serving.set(socket, { idleSinceMs: () => openedMs, end: () => socket.destroy() });
    this.#all.add(socket);
    socket.once("close", () => {
      this.#serving.delete(socket);
      this.#all.delete(socket);
    });
    return true;
  }

  /** Says how a connection is served once its protocol is known. */
  serve(socket: Socket, connection: Connection): void {
    if (this.#serving.has(socket)) this.#serving.set(socket, connection);
  }

  destroyAll(): void {
    for (const socket of this.#all) socket.destroy();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#watch);
  }

  #endIdlest(): boolean {
    let idlest: Socket | undefined;
    let sinceMs = Infinity;
    for (const [socket, connection] of this.#serving) {
      const since = connection.idleSinceMs();
      if (since === undefined || since >= sinceMs) continue;
      [idlest, sinceMs] = [socket, since];
    }
    if (idlest === undefined) return false;
    const socket = idlest;
    this.#options.refused("idle_connection");
    const timer = setTimeout(() => socket.destroy(), endMs);
    socket.once("close", () => clearTimeout(timer));
    this.#serving.get(socket)?.end();
    this.#serving.delete(socket);
    return true;
  }
}
