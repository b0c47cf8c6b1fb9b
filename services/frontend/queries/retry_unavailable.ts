import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { retry } from "#shared/lifecycle/retry.ts";
import { sleep } from "#shared/lifecycle/sleep.ts";

/** How often one query is tried, the first time included. */
export const maxTries = 5;

/**
 * Tries a query again, with backoff, while the backend is UNAVAILABLE and the
 * call's deadline has not passed. Only for calls that are safe to repeat.
 */
export function retryUnavailable(wait: typeof sleep = sleep): Interceptor {
  return (next) => (request) =>
    retry(() => next(request), {
      signal: request.signal,
      tries: maxTries,
      again: (error) => ConnectError.from(error).code === Code.Unavailable,
      wait,
    });
}
