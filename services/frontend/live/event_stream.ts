export interface EventStreamOptions {
  /** Called once, when the stream ends for whatever reason; must make `frames` end. */
  readonly close: () => void;
  /** Called once a viewer has taken nothing for long: to save what it costs, until it goes or takes. */
  readonly rest: () => void;
  /** How long that is, in milliseconds; 30 s unless given. */
  readonly restAfterMs?: number;
}

/**
 * `frames` as a response. The next one is asked for only when the viewer's
 * connection takes it, so that a slow viewer costs one frame and no more.
 */
export function eventStream(
  frames: AsyncGenerator<string>,
  { close, rest, restAfterMs = 30_000 }: EventStreamOptions,
): Response {
  const encoder = new TextEncoder();
  let resting: ReturnType<typeof setTimeout> | undefined;
  const end = () => {
    clearTimeout(resting);
    close();
  };
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      clearTimeout(resting);
      try {
        const { value, done } = await frames.next();
        if (!done) {
          resting = setTimeout(rest, restAfterMs);
          return controller.enqueue(encoder.encode(value));
        }
        end();
        controller.close();
      } catch (error) {
        end();
        controller.error(error);
      }
    },
    cancel: end,
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
