import { Code, ConnectError } from "@connectrpc/connect";
import type { Timeouts } from "./timeouts.ts";

export interface RequestTimes {
  /** Longest that a request of one message may take to come, or the beginning of any other. */
  readonly request: Timeouts;
  /** Longest pause in a request of many messages, after that. */
  readonly pause: Timeouts;
}

export interface TimedRequest {
  readonly body: AsyncIterableIterator<Uint8Array>;
  /** For when the call is over, whether or not its request was read. */
  readonly stop: () => void;
}

/**
 * A request's body as it comes in, which fails with DEADLINE_EXCEEDED when that
 * takes too long, however slowly bytes drip in.
 *
 * @param many Whether the request may have many messages, and so any length in time
 * @param late Called as it fails
 */
export function timedRequest(
  body: AsyncIterable<Uint8Array>,
  { request, pause }: RequestTimes,
  many: boolean,
  late: () => void,
): TimedRequest {
  const source = body[Symbol.asyncIterator]();
  let failure: ConnectError | undefined;
  let fail = (_error: ConnectError) => {};
  const within = (timeouts: Timeouts) =>
    timeouts.start(() => {
      late();
      const problem = `the request did not come within ${timeouts.ms} ms`;
      fail(failure = new ConnectError(problem, Code.DeadlineExceeded));
    });
  let stop = within(request);
  return {
    stop: () => stop(),
    body: {
      [Symbol.asyncIterator]() {
        return this;
      },
      next() {
        if (failure !== undefined) return Promise.reject(failure);
        return new Promise((resolve, reject) => {
          fail = reject;
          source.next().then((result) => {
            if (result.done || many) stop();
            if (!result.done && many) stop = within(pause);
            resolve(result);
          }, reject);
        });
      },
      async return() {
        stop();
        await source.return?.();
        return { done: true, value: undefined };
      },
    },
  };
}
