import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { backoffMs } from "#shared/lifecycle/backoff.ts";
import { sleep } from "#shared/lifecycle/sleep.ts";

/** How often one query is tried, the first time included. */
export const maxTries = 5;

/**
 * Tries a query again, with backoff, while the backend is UNAVAILABLE and the
 * call's deadline has not passed. Only for calls that are safe to repeat.
 */
export function retryUnavailable(wait: typeof sleep = sleep): Interceptor {
  return (next) => async (request) => {
    for (let tried = 1;; tried++) {
      try {
        return await next(request);
      } catch (error) {
        const unavailable = ConnectError.from(error).code === Code.Unavailable;
        if (!unavailable || tried === maxTries || request.signal.aborted) throw error;
        await wait(backoffMs(tried), request.signal);
        if (request.signal.aborted) throw error;
      }
    }
  };
}
