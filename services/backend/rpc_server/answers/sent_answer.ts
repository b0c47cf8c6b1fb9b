import type { Socket } from "node:net";
import type { UnreadAnswer } from "./unread_answers.ts";

/** Written at once, so that flow control is asked often enough. */
const sliceBytes = 64 * 1024;

/** What one connection may have waiting below HTTP before its answers wait too. */
const maxSocketBytes = 1024 * 1024;

const empty = new Uint8Array();

/** What an answer is written to. */
export interface AnswerWay {
  readonly socket: Socket;
  readonly unread: UnreadAnswer;
  /** The stream or the response, with the bytes that are written and still wait in it. */
  readonly response: { readonly writableLength: number };
}

/**
 * The body of an answer as it is written: large chunks in slices, each only
 * once the connection has sent most of what it has. node:http2 itself passes
 * everything on to the socket that the client's HTTP/2 windows allow, whether
 * or not the client reads.
 */
export class SentAnswer implements AsyncIterableIterator<Uint8Array> {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #way: AnswerWay;
  /** What is still to be written of what was made. */
  #chunk: Uint8Array = empty;

  constructor(body: AsyncIterable<Uint8Array>, way: AnswerWay) {
    this.#source = body[Symbol.asyncIterator]();
    this.#way = way;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    const { socket, unread, response } = this.#way;
    // Asked for the next slice: the one before is on its way.
    unread.hold(this.#chunk.length + response.writableLength);
    if (this.#chunk.length === 0) {
      const result = await this.#source.next();
      if (result.done) return result;
      this.#chunk = result.value;
      unread.hold(this.#chunk.length + response.writableLength);
    }
    while (socket.writableLength > maxSocketBytes && !socket.destroyed) await drained(socket);
    if (this.#chunk.length <= sliceBytes) {
      const value = this.#chunk;
      this.#chunk = empty;
      return { done: false, value };
    }
    const value = this.#chunk.subarray(0, sliceBytes);
    this.#chunk = this.#chunk.subarray(sliceBytes);
    return { done: false, value };
  }

  async throw(error: unknown): Promise<never> {
    await this.#source.throw?.(error);
    throw error;
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    await this.#source.return?.();
    return { done: true, value: undefined };
  }
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
