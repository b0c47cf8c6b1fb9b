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
  /** If its messages come in envelopes. */
  readonly messages: WholeMessages | undefined;
  /** Called with the bytes that are held of it more than before, or fewer. */
  readonly held: (bytes: number) => void;
  /** Called as it fails. */
  readonly gaveUp: (reason: Refusal) => void;
}

/**
 * A request's body as it comes in, in whole messages. Fails with
 * DEADLINE_EXCEEDED when that takes too long, however slowly bytes drip in.
 */
export class RequestBody implements AsyncIterableIterator<Uint8Array> {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #options: RequestBodyOptions;
  #coming = true;
  #heldBytes = 0;
  #stopTimer: () => void;
  #failure: ConnectError | undefined;
  /** Of whoever waits for the next chunk. */
  #reject: ((error: ConnectError) => void) | undefined;

  constructor(body: AsyncIterable<Uint8Array>, options: RequestBodyOptions) {
    this.#source = body[Symbol.asyncIterator]();
    this.#options = options;
    this.#stopTimer = this.#within(options.times.request);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    // Who asks for more has done with the messages before; of a single one, the parts are kept.
    if (this.#options.many) this.#hold(this.#options.messages?.heldBytes ?? 0);
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      this.#read(resolve, reject);
    });
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#stop();
    await this.#source.return?.();
    return { done: true, value: undefined };
  }

  /** Whether more of it is waited for. */
  get coming(): boolean {
    return this.#coming;
  }

  /** For when the call is over, whether or not its request was read. */
  close(): void {
    this.#stop();
    this.#hold(0);
  }

  /** Ends the wait for it with such an error. */
  giveUp(reason: Refusal, error: ConnectError): void {
    this.close();
    this.#options.gaveUp(reason);
    this.#failure = error;
    this.#reject?.(error);
  }

  #read(
    resolve: (result: IteratorResult<Uint8Array>) => void,
    reject: (error: unknown) => void,
  ): void {
    const { times, many, messages } = this.#options;
    this.#source.next().then((result) => {
      if (result.done) {
        this.#stop();
        messages?.end();
        return resolve(result);
      }
      if (!this.#coming) return resolve(result);
      if (many) {
        this.#stopTimer();
        this.#stopTimer = this.#within(times.pause);
      }
      const value = messages === undefined ? result.value : messages.push(result.value);
      this.#hold(this.#heldBytes + result.value.length);
      if (value !== undefined) resolve({ done: false, value });
      else if (this.#coming) this.#read(resolve, reject);
    }).catch(reject);
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
