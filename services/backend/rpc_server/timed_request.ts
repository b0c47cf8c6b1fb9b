import { Code, ConnectError } from "@connectrpc/connect";

export interface RequestTimes {
  /** Longest that a request of one message may take to come, or the beginning of any other. */
  readonly requestMs: number;
  /** Longest pause in a request of many messages, after that. */
  readonly pauseMs: number;
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
  { requestMs, pauseMs }: RequestTimes,
  many: boolean,
  late: () => void,
): TimedRequest {
  const source = body[Symbol.asyncIterator]();
  const { promise: failed, reject } = Promise.withResolvers<never>();
  failed.catch(() => {}); // for when nobody reads any more
  const within = (ms: number) =>
    setTimeout(() => {
      late();
      reject(new ConnectError(`the request did not come within ${ms} ms`, Code.DeadlineExceeded));
    }, ms);
  let timer = within(requestMs);
  return {
    stop: () => clearTimeout(timer),
    body: {
      [Symbol.asyncIterator]() {
        return this;
      },
      async next() {
        const result = await Promise.race([source.next(), failed]);
        if (result.done) clearTimeout(timer);
        else if (many) {
          clearTimeout(timer);
          timer = within(pauseMs);
        }
        return result;
      },
      async return() {
        clearTimeout(timer);
        await source.return?.();
        return { done: true, value: undefined };
      },
    },
  };
}
