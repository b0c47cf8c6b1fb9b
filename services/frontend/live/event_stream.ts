/**
 * `frames` as a response. The next one is asked for only when the viewer's
 * connection takes it, so that a slow viewer costs one frame and no more.
 * `close` is called once, when the stream ends for whatever reason, and must
 * make `frames` end.
 */
export function eventStream(frames: AsyncGenerator<string>, close: () => void): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { value, done } = await frames.next();
        if (!done) return controller.enqueue(encoder.encode(value));
        close();
        controller.close();
      } catch (error) {
        close();
        controller.error(error);
      }
    },
    cancel: close,
  }, { highWaterMark: 0 });
  return new Response(body, {
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      // Proxies such as nginx would hold events back to fill their buffers.
      "x-accel-buffering": "no",
    },
  });
}
