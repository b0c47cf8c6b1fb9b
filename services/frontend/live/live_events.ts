import { sleep } from "#shared/lifecycle/sleep.ts";
import type { LiveView } from "./live_view.tsx";

export interface LiveEventsOptions {
  readonly views: readonly LiveView[];
  /** Pause between two beats, in milliseconds. */
  readonly beatMs: number;
  readonly now: () => number;
  /** Ends the wait for the next beat. */
  readonly signal: AbortSignal;
  readonly sleep?: typeof sleep;
}

/**
 * Server-sent events for one browser, whose data is JSON on a line. `frame`:
 * `{view, html, after}`, for the view at that place. `beat`: `{now, asOf, down}`,
 * at once, at every change and every second whatever happens: the time here, and
 * of each view as of when it is true (null before that is known) and whether the
 * backend fails to answer. Ends once none of the views goes on.
 */
export async function* liveEvents(options: LiveEventsOptions): AsyncGenerator<string> {
  const { views, beatMs, now, signal } = options;
  const pause = options.sleep ?? sleep;
  const asOf: (number | null)[] = views.map(() => null);
  const down = views.map(() => false);
  const beat = () => event("beat", { now: now(), asOf, down });

  const pending = new Map(views.map((_, at) => [at, nextOf(at)]));
  async function nextOf(at: number) {
    return { at, update: await views[at]!.next() };
  }
  yield beat();
  let pulse = pause(beatMs, signal);
  while (pending.size > 0 && !signal.aborted) {
    const arrived = await Promise.race([...pending.values(), pulse]);
    if (signal.aborted) return;
    if (arrived === undefined) {
      pulse = pause(beatMs, signal);
      yield beat();
      continue;
    }
    const { at, update } = arrived;
    if (update === undefined || update.last) pending.delete(at);
    else pending.set(at, nextOf(at));
    if (update === undefined) continue;
    const { frame, asOfMs } = update;
    const fails = asOfMs === undefined;
    const changed = frame !== undefined || down[at] !== fails || (asOf[at] === null && !fails);
    asOf[at] = asOfMs ?? asOf[at]!;
    down[at] = fails;
    const shown = frame === undefined ? "" : event("frame", { view: at, ...frame });
    if (changed) yield shown + beat();
  }
}

function event(type: "beat" | "frame", data: unknown): string {
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}
