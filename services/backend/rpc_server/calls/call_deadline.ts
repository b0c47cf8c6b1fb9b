import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import type { Timeouts } from "#shared/lifecycle/timeouts.ts";
import { endCall } from "./call_end.ts";

/**
 * Ends unary calls that are late, or at their client's deadline if that is
 * sooner: `ctx.signal` is aborted, and the client answered even if the method
 * does not heed it.
 */
export function limitUnaryCalls(timeouts: Timeouts): Interceptor {
  return (next) => async (request) => {
    if (request.stream) return await next(request);
    let left = () => {};
    const answered = new Promise<Awaited<ReturnType<typeof next>>>((resolve, reject) => {
      left = () => reject(ConnectError.from(request.signal.reason, Code.Canceled));
      // Whichever settles it first; what an answer is after the end, nobody waits for.
      next(request).then(resolve, reject);
    });
    const stop = timeouts.start(() => {
      const late = new ConnectError("the call took longer than it may", Code.DeadlineExceeded);
      request.contextValues.get(endCall)(late);
    });
    if (request.signal.aborted) left();
    request.signal.addEventListener("abort", left);
    try {
      return await answered;
    } finally {
      stop();
      request.signal.removeEventListener("abort", left);
    }
  };
}
