import { sleep } from "#shared/lifecycle/sleep.ts";
import type { FutureWatch } from "./future_watch.ts";
import type { LaterClock } from "./later_clock.ts";

const intervalMs = 30_000;

/** Looks at the clocks, and at what came of them, now and then until disposed. */
export function watchClocks(
  clock: Pick<LaterClock, "look">,
  future: Pick<FutureWatch, "look">,
): Disposable {
  const closing = new AbortController();
  (async () => {
    for (;;) {
      await sleep(intervalMs, closing.signal);
      if (closing.signal.aborted) return;
      future.look();
      await clock.look();
    }
  })();
  return { [Symbol.dispose]: () => closing.abort() };
}
