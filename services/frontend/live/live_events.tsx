import { sleep } from "#shared/lifecycle/sleep.ts";
import { FailureNotice } from "../look/failure_notice.tsx";
import type { PageFailure } from "../look/page_failure.ts";
import type { Outcome, Watch } from "./live_poller.ts";

/** What to show a viewer: HTML of partial swaps, and where the viewer stands once it has them. */
export interface Frame {
  readonly html: string;
  /** Comes back with the request when the viewer connects again. */
  readonly after?: string;
}

/** One page that is kept up to date: what is watched for it, and how it gets from one value to the next. */
export interface LiveView {
  /** Undefined once no more comes. */
  next(): Promise<Update | undefined>;
}

/** What one poll means for one viewer. */
interface Update {
  readonly frame: Frame | undefined;
  /** When it was true, in Unix milliseconds; undefined where the backend did not answer. */
  readonly asOfMs: number | undefined;
  /** True where nothing more will come. */
  readonly last: boolean;
}

export interface LiveViewOptions<Value> {
  readonly watch: Pick<Watch<Value>, "next">;
  /** Brings this viewer up to `value`; undefined when it shows that already. */
  readonly advance: (value: Value) => Frame | undefined;
  readonly failure: (error: unknown) => PageFailure;
}

export function liveView<Value>(options: LiveViewOptions<Value>): LiveView {
  const { watch, advance, failure } = options;
  const update = (outcome: Outcome<Value>): Update => {
    if (outcome.ok) {
      return { frame: advance(outcome.value), asOfMs: outcome.asOfMs, last: false };
    }
    const found = failure(outcome.error);
    const frame = found.passes ? undefined : { html: String(<Replaced failure={found} />) };
    return { frame, asOfMs: undefined, last: frame !== undefined };
  };
  return {
    async next() {
      const outcome = await watch.next();
      return outcome === undefined ? undefined : update(outcome);
    },
  };
}

function Replaced({ failure }: { readonly failure: PageFailure }) {
  return (
    <hx-partial hx-target="#main" hx-swap="innerHTML">
      <FailureNotice failure={failure} />
    </hx-partial>
  );
}

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
