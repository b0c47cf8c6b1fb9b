import { FailureNotice } from "../look/failure_notice.tsx";
import { type PageFailure, pageFailure } from "../look/page_failure.ts";
import type { Outcome, Watch } from "./live_poller.ts";

/** What to show a viewer: HTML of partial swaps, and where the viewer stands once it has them. */
export interface Frame {
  readonly html: string;
  /** Comes back with the request when the viewer connects again. */
  readonly after?: string;
}

/** A page that is kept up to date for one viewer, until it is disposed. */
export interface LiveView extends Disposable {
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
  readonly watch: Watch<Value>;
  /** Brings this viewer up to `value`; undefined when it shows that already. */
  readonly advance: (value: Value) => Frame | undefined;
  /** What to say where the backend does not know what is watched. */
  readonly missing?: PageFailure | undefined;
}

/** One who watches, and is brought from each value to the next, or told why there is none. */
export function liveView<Value>(options: LiveViewOptions<Value>): LiveView {
  const { watch, advance, missing } = options;
  const update = (outcome: Outcome<Value>): Update => {
    if (outcome.ok) {
      return { frame: advance(outcome.value), asOfMs: outcome.asOfMs, last: false };
    }
    const found = pageFailure(outcome.error, missing);
    const frame = found.passes ? undefined : { html: String(<Replaced failure={found} />) };
    return { frame, asOfMs: undefined, last: frame !== undefined };
  };
  return {
    async next() {
      const outcome = await watch.next();
      return outcome === undefined ? undefined : update(outcome);
    },
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  };
}

function Replaced({ failure }: { readonly failure: PageFailure }) {
  return (
    <hx-partial hx-target="#main" hx-swap="innerHTML">
      <FailureNotice failure={failure} />
    </hx-partial>
  );
}
