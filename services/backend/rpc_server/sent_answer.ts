import type { Socket } from "node:net";
import type { UnreadAnswer } from "./unread_answers.ts";

/** Written at once, so that flow control is asked often enough. */
const sliceBytes = 64 * 1024;

/** What one connection may have waiting below HTTP before its answers wait too. */
const maxSocketBytes = 1024 * 1024;

/**
 * The body of an answer as it is written: large chunks in slices, each only
 * once the connection has sent most of what it has. node:http2 itself passes
 * everything on to the socket that the client's HTTP/2 windows allow, whether
 * or not the client reads.
 */
export function sentAnswer(
  body: AsyncIterable<Uint8Array>,
  { socket, unread, waiting }: {
    readonly socket: Socket;
    readonly unread: UnreadAnswer;
    /** Bytes that are written and still wait below, in the response. */
    readonly waiting: () => number;
  },
): AsyncIterableIterator<Uint8Array> {
  const source = body[Symbol.asyncIterator]();
  let chunk: Uint8Array = new Uint8Array();
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      // Asked for the next slice: the one before is on its way.
      unread.hold(chunk.length + waiting());
      if (chunk.length === 0) {
        const result = await source.next();
        if (result.done) return result;
        chunk = result.value;
        unread.hold(chunk.length + waiting());
      }
      while (socket.writableLength > maxSocketBytes && !socket.destroyed) await drained(socket);
      const value = chunk.subarray(0, sliceBytes);
      chunk = chunk.subarray(sliceBytes);
      return { done: false, value };
    },
    async throw(error) {
      await source.throw?.(error);
      throw error;
    },
    async return() {
      await source.return?.();
      return { done: true, value: undefined };
    },
  };
}

const draining = new WeakMap<Socket, Promise<void>>();

/** Resolves when the socket has sent what it has, or is closed; shared by its answers. */
function drained(socket: Socket): Promise<void> {
  const known = draining.get(socket);
  if (known !== undefined) return known;
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = () => {
    socket.off("drain", done);
    socket.off("close", done);
    draining.delete(socket);
    resolve();
  };
  socket.on("drain", done);
  socket.on("close", done);
  draining.set(socket, promise);
  return promise;
}
