import { Code, ConnectError } from "@connectrpc/connect";
import type { Timeouts } from "#shared/lifecycle/timeouts.ts";
import type { Refusal } from "./refusals.ts";
import type { WholeMessages } from "./whole_messages.ts";

export interface RequestTimes {
  /** Longest that a request of one message may take to come, or the beginning of any other. */
  readonly request: Timeouts;
  /** Longest pause in a request of many messages, after that. */
  readonly pause: Timeouts;
}

export interface RequestBodyOptions {
  readonly times: RequestTimes;
  /** Whether the request may have many messages, and so any length in time. */
  readonly many: boolean;
  /** Of one that may not, with what is around its message. */
  readonly maxBytes: number;
  /** If its messages come in envelopes. */
  readonly messages: WholeMessages | undefined;
  /** Called with the bytes that are held of it more than before, or fewer. */
  readonly held: (bytes: number) => void;
  /** Called as it fails. */
  readonly gaveUp: (reason: Refusal) => void;
}

/** What a chunk takes beside its bytes, of which a packet may have one. */
const chunkBytes = 256;

/** One for all: nobody asks why. */
const closed = new ConnectError("the call is over", Code.Canceled);

/**
 * A request's body as it comes in, in whole messages. Fails with
 * DEADLINE_EXCEEDED when that takes too long, however slowly bytes drip in.
 * What is held of it counts until it is whole: after that, there are no more
 * such bodies than calls, and each is bounded.
 */
export class RequestBody implements AsyncIterableIterator<Uint8Array> {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #options: RequestBodyOptions;
  #messages: WholeMessages | undefined;
  #coming = true;
  #cameBytes = 0;
  #heldBytes = 0;
  #stopTimer: () => void;
  #failure: ConnectError | undefined;
  /** Of whoever waits for the next chunk. */
  #reject: ((error: ConnectError) => void) | undefined;

  constructor(body: AsyncIterable<Uint8Array>, options: RequestBodyOptions) {
    this.#source = body[Symbol.asyncIterator]();
    this.#options = options;
    this.#messages = options.messages;
    this.#stopTimer = this.#within(options.times.request);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    // Who asks for more has done with the messages before; of a single one, the parts are kept.
    if (this.#options.many) this.#hold(this.#messages?.heldBytes ?? 0);
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      this.#read(resolve, reject);
    });
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#stop();
    this.#hold(0);
    await this.#source.return?.();
    return { done: true, value: undefined };
  }

  /** Whether more of it is waited for. */
  get coming(): boolean {
    return this.#coming;
  }

  /** Bytes that count as held of it now. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** For when the call is over, whether or not its request was read. */
  close(): void {
    this.#stop();
    this.#hold(0);
    this.#failure ??= closed;
    this.#messages = undefined;
  }

  /** Ends the wait for it with such an error. */
  giveUp(reason: Refusal, error: ConnectError): void {
    this.#failure = error;
    this.close();
    this.#options.gaveUp(reason);
    this.#reject?.(error);
  }

  #read(
    resolve: (result: IteratorResult<Uint8Array>) => void,
    reject: (error: unknown) => void,
  ): void {
    this.#source.next().then((result) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      if (result.done) {
        this.#stop();
        this.#hold(0);
        this.#messages?.end();
        return resolve(result);
      }
      const value = this.#take(result.value);
      // Too much of it, or of all, and it was this one that gave way.
      if (this.#failure !== undefined) return reject(this.#failure);
      if (value !== undefined) resolve({ done: false, value });
      else this.#read(resolve, reject);
    }).catch(reject);
  }

  /** What is whole with this chunk, if anything is. */
  #take(chunk: Uint8Array): Uint8Array | undefined {
    const { times, many, maxBytes } = this.#options;
    this.#cameBytes += chunk.length;
    if (many) {
      this.#stopTimer();
      this.#stopTimer = this.#within(times.pause);
    } else if (this.#cameBytes > maxBytes) {
      const problem = `the request is larger than ${maxBytes} bytes`;
      this.giveUp("request_bytes", new ConnectError(problem, Code.ResourceExhausted));
      return undefined;
    }
    const whole = this.#messages === undefined ? chunk : this.#messages.push(chunk);
    this.#hold(this.#heldBytes + chunk.length + chunkBytes);
    return whole;
  }

  #hold(bytes: number): void {
    const more = bytes - this.#heldBytes;
    this.#heldBytes = bytes;
    if (more !== 0) this.#options.held(more);
  }

  #stop(): void {
    this.#coming = false;
    this.#stopTimer();
  }

  #within(timeouts: Timeouts): () => void {
    return timeouts.start(() => {
      const problem = `the request did not come within ${timeouts.ms} ms`;
      this.giveUp("request_time", new ConnectError(problem, Code.DeadlineExceeded));
    });
  }
}
