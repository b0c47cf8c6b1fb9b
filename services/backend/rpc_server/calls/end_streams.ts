import type { Interceptor } from "@connectrpc/connect";

/**
 * Ends streams when `closing` is aborted, with its reason, while unary calls in
 * hand go on: it aborts the stream's `ctx.signal`, and wakes a method that
 * waits for its client's next message. (Connect's own `shutdownSignal` would
 * cancel unary calls too.)
 */
export function endStreams(closing: AbortSignal): Interceptor {
  return (next) => (request) => {
    if (!request.stream) return next(request);
    const { signal } = linked(request.signal, closing);
    return next({ ...request, signal, message: untilAborted(request.message, signal) });
  };
}

/** Aborted with either of the two; nothing is left on `closing` once `call` has ended. */
function linked(call: AbortSignal, closing: AbortSignal): AbortController {
  const controller = new AbortController();
  for (const source of [call, closing]) {
    if (source.aborted) controller.abort(source.reason);
    source.addEventListener("abort", () => controller.abort(source.reason), {
      once: true,
      signal: controller.signal,
    });
  }
  return controller;
}

/** @throws the reason of `signal` as soon as it is aborted. */
async function* untilAborted<Message>(
  messages: AsyncIterable<Message>,
  signal: AbortSignal,
): AsyncGenerator<Message> {
  const source = messages[Symbol.asyncIterator]();
  for (;;) {
    const { promise, resolve, reject } = Promise.withResolvers<IteratorResult<Message>>();
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop);
    source.next().then(resolve, reject);
    try {
      const result = await promise;
      if (result.done) return;
      yield result.value;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }
}
