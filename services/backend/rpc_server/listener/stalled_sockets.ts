import type { Socket } from "node:net";

interface Seen {
  readonly sentBytes: number;
  readonly atMs: number;
}

/** Tells which connections have taken nothing of what is to be sent on them for `stalledMs`. */
export class StalledSockets {
  readonly #stalledMs: number;
  readonly #now: () => number;
  readonly #seen = new WeakMap<Socket, Seen>();

  constructor(stalledMs: number, now: () => number) {
    this.#stalledMs = stalledMs;
    this.#now = now;
  }

  /** To be asked now and then. */
  has(socket: Socket): boolean {
    if (socket.writableLength === 0) {
      this.#seen.delete(socket);
      return false;
    }
    // `bytesWritten` counts what waits too.
    const sentBytes = socket.bytesWritten - socket.writableLength;
    const seen = this.#seen.get(socket);
    if (seen?.sentBytes === sentBytes) return this.#now() - seen.atMs >= this.#stalledMs;
    this.#seen.set(socket, { sentBytes, atMs: this.#now() });
    return false;
  }
}
