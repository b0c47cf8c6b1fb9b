import { Code, ConnectError } from "@connectrpc/connect";
import type { Timeouts } from "#shared/lifecycle/timeouts.ts";
import type { Refusal } from "./refusals.ts";

export interface RequestTimes {
  /** Longest that a request of one message may take to come, or the beginning of any other. */
  readonly request: Timeouts;
  /** Longest pause in a request of many messages, after that. */
  readonly pause: Timeouts;
}

/**
 * A request's body as it comes in, which fails with DEADLINE_EXCEEDED when that
 * takes too long, however slowly bytes drip in.
 */
export class TimedRequest implements AsyncIterableIterator<Uint8Array> {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #times: RequestTimes;
  readonly #many: boolean;
  readonly #gaveUp: (reason: Refusal) => void;
  #coming = true;
  #stopTimer: () => void;
  #failure: ConnectError | undefined;
  /** Of whoever waits for the next chunk. */
  #reject: ((error: ConnectError) => void) | undefined;

  /**
   * @param many Whether the request may have many messages, and so any length in time
   * @param gaveUp Called as it fails
   */
  constructor(
    body: AsyncIterable<Uint8Array>,
    times: RequestTimes,
    many: boolean,
    gaveUp: (reason: Refusal) => void,
  ) {
    this.#source = body[Symbol.asyncIterator]();
    this.#times = times;
    this.#many = many;
    this.#gaveUp = gaveUp;
    this.#stopTimer = this.#within(times.request);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      this.#source.next().then((result) => {
        if (result.done) this.stop();
        else if (this.#many && this.#coming) {
          this.#stopTimer();
          this.#stopTimer = this.#within(this.#times.pause);
        }
        resolve(result);
      }, reject);
    });
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.stop();
    await this.#source.return?.();
    return { done: true, value: undefined };
  }

  /** Whether more of it is waited for. */
  get coming(): boolean {
    return this.#coming;
  }

  /** For when the call is over, whether or not its request was read. */
  stop(): void {
    this.#coming = false;
    this.#stopTimer();
  }

  /** Ends the wait for it with such an error. */
  giveUp(reason: Refusal, error: ConnectError): void {
    this.stop();
    this.#gaveUp(reason);
    this.#failure = error;
    this.#reject?.(error);
  }

  #within(timeouts: Timeouts): () => void {
    return timeouts.start(() => {
      const problem = `the request did not come within ${timeouts.ms} ms`;
      this.giveUp("request_time", new ConnectError(problem, Code.DeadlineExceeded));
    });
  }
}
