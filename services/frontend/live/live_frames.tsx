import type { PageFailure } from "../page_failure.ts";
import { FailureNotice } from "../pages/failure.tsx";
import type { Outcome, Watch } from "./live_poller.ts";

/** What to send a viewer: HTML of partial swaps, and where it stands once it has them. */
export interface Frame {
  readonly html: string;
  /** Comes back as Last-Event-ID when the viewer reconnects. */
  readonly id?: string;
}

export interface LiveFramesOptions<Value> {
  readonly watch: Pick<Watch<Value>, "next">;
  /** Brings this viewer up to `value`; undefined when it shows that already. */
  readonly advance: (value: Value) => Frame | undefined;
  readonly failure: (error: unknown) => PageFailure;
  /** Longest that the stream stays silent, in milliseconds; polls go on anyway. */
  readonly heartbeatMs: number;
  readonly now: () => number;
}

/** How soon a viewer comes back, at first, when its stream breaks off. */
const retryMs = 1_000;

/**
 * Server-sent events for one viewer. Unnamed ones swap HTML in; `backend` ones
 * say `up` or `down`, whenever that changes and as a heartbeat. Ends with the
 * watch, or after telling the viewer of a failure that will not pass.
 */
export async function* liveFrames<Value>(
  options: LiveFramesOptions<Value>,
): AsyncGenerator<string> {
  const { watch, advance, failure, heartbeatMs, now } = options;
  let backend: "up" | "down" | undefined;
  let sentMs = now();
  for (let outcome = await watch.next(); outcome !== undefined; outcome = await watch.next()) {
    const events: string[] = [];
    const gone = lasting(outcome, failure);
    if (gone !== undefined) {
      yield event({ data: String(<Replaced failure={gone} />) });
      return;
    }
    const state = outcome.ok ? "up" : "down";
    const frame = outcome.ok ? advance(outcome.value) : undefined;
    if (frame !== undefined) events.push(event({ id: frame.id, data: frame.html }));
    if (state !== backend) {
      events.push(event({ retry: backend === undefined ? retryMs : undefined, backend: state }));
    } else if (frame === undefined && now() - sentMs >= heartbeatMs) {
      events.push(event({ backend: state }));
    }
    backend = state;
    if (events.length === 0) continue;
    sentMs = now();
    yield events.join("");
  }
}

function lasting(
  outcome: Outcome<unknown>,
  failure: (error: unknown) => PageFailure,
): PageFailure | undefined {
  if (outcome.ok) return undefined;
  const found = failure(outcome.error);
  return found.passes ? undefined : found;
}

function Replaced({ failure }: { readonly failure: PageFailure }) {
  return (
    <hx-partial hx-target="#main" hx-swap="innerHTML">
      <FailureNotice failure={failure} />
    </hx-partial>
  );
}

interface EventFields {
  readonly id?: string | undefined;
  readonly retry?: number | undefined;
  readonly backend?: string;
  readonly data?: string;
}

function event({ id, retry, backend, data }: EventFields): string {
  const lines: string[] = [];
  if (id !== undefined) lines.push(`id: ${id}`);
  if (retry !== undefined) lines.push(`retry: ${retry}`);
  if (backend !== undefined) lines.push("event: backend", `data: ${backend}`);
  for (const line of data?.split(/\r\n|\r|\n/) ?? []) lines.push(`data: ${line}`);
  return `${lines.join("\n")}\n\n`;
}
