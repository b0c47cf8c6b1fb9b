import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import type { Timeouts } from "./timeouts.ts";

/**
 * Ends unary calls that are late, or at their client's deadline if that is
 * sooner: `ctx.signal` is aborted, and the client answered even if the method
 * does not heed it.
 */
export function limitUnaryCalls(timeouts: Timeouts): Interceptor {
  return (next) => async (request) => {
    if (request.stream) return await next(request);
    const controller = new AbortController();
    const { promise: ended, reject } = Promise.withResolvers<never>();
    const end = (reason: unknown) => {
      controller.abort(reason);
      reject(ConnectError.from(reason, Code.Canceled));
    };
    const stop = timeouts.start(() => {
      end(new ConnectError("the call took longer than it may", Code.DeadlineExceeded));
    });
    const left = () => end(request.signal.reason);
    if (request.signal.aborted) left();
    request.signal.addEventListener("abort", left);
    try {
      const answer = next({ ...request, signal: controller.signal });
      answer.catch(() => {}); // when it fails after the end, nobody waits for it
      return await Promise.race([answer, ended]);
    } finally {
      stop();
      request.signal.removeEventListener("abort", left);
    }
  };
}
