import { Code, ConnectError } from "@connectrpc/connect";
import type { Refusal } from "./refusals.ts";
import type { Timeouts } from "./timeouts.ts";

export interface RequestTimes {
  /** Longest that a request of one message may take to come, or the beginning of any other. */
  readonly request: Timeouts;
  /** Longest pause in a request of many messages, after that. */
  readonly pause: Timeouts;
}

export interface TimedRequest {
  readonly body: AsyncIterableIterator<Uint8Array>;
  /** Whether more of it is waited for. */
  readonly coming: boolean;
  /** For when the call is over, whether or not its request was read. */
  readonly stop: () => void;
  /** Ends the wait for it with such an error. */
  readonly giveUp: (reason: Refusal, error: ConnectError) => void;
}

/**
 * A request's body as it comes in, which fails with DEADLINE_EXCEEDED when that
 * takes too long, however slowly bytes drip in.
 *
 * @param many Whether the request may have many messages, and so any length in time
 * @param gaveUp Called as it fails
 */
export function timedRequest(
  body: AsyncIterable<Uint8Array>,
  { request, pause }: RequestTimes,
  many: boolean,
  gaveUp: (reason: Refusal) => void,
): TimedRequest {
  const source = body[Symbol.asyncIterator]();
  let failure: ConnectError | undefined;
  let fail = (_error: ConnectError) => {};
  const within = (timeouts: Timeouts) =>
    timeouts.start(() => {
      const problem = `the request did not come within ${timeouts.ms} ms`;
      giveUp("request_time", new ConnectError(problem, Code.DeadlineExceeded));
    });
  let coming = true;
  let stopTimer = within(request);
  const stop = () => {
    coming = false;
    stopTimer();
  };
  const giveUp = (reason: Refusal, error: ConnectError) => {
    stop();
    gaveUp(reason);
    fail(failure = error);
  };
  return {
    get coming() {
      return coming;
    },
    stop,
    giveUp,
    body: {
      [Symbol.asyncIterator]() {
        return this;
      },
      async next() {
        if (failure !== undefined) throw failure;
        const result = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
          fail = reject;
          source.next().then(resolve, reject);
        });
        if (result.done) stop();
        else if (many && coming) {
          stopTimer();
          stopTimer = within(pause);
        }
        return result;
      },
      async return() {
        stop();
        await source.return?.();
        return { done: true, value: undefined };
      },
    },
  };
}
