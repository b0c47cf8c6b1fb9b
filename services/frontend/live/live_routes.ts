import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { within } from "#shared/lifecycle/within.ts";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { clientKey } from "./client_key.ts";
import { eventStream } from "./event_stream.ts";
import { liveEvents } from "./live_events.ts";
import type { LivePoller } from "./live_poller.ts";
import { maxViews, readViews } from "./read_views.ts";
import type { ViewBudget } from "./view_budget.ts";
import type { ViewKind } from "./view_kind.ts";

export interface LiveOptions {
  readonly poller: LivePoller;
  readonly budget: ViewBudget;
  /** Longest that a request's body may take to arrive, in milliseconds; 10 s unless given. */
  readonly bodyMs?: number;
}

export interface LiveRoutesOptions extends LiveOptions {
  /** What there is to ask for. */
  readonly kinds: readonly ViewKind[];
  /** Streams that are open now. */
  readonly gauge: { inc(): void; dec(): void };
  readonly now: () => number;
}

/** How a request got here, as `Deno.serve` tells; nothing of it where there is no socket. */
export interface Connection {
  readonly remoteAddr?: { readonly hostname: string };
}

/** Every second: a browser that hears nothing for five knows that something is wrong. */
const beatMs = 1_000;
/** Views with long ids and cursors come to 2 kB each. */
const maxBodyBytes = 128 * 1_024;
/** When a browser that was refused may try again, in seconds. */
const retryAfter = "10";

/**
 * The live stream of a browser: server-sent events for all the pages that it
 * shows, which it names in the body of the request (see `readViews`).
 */
export function liveRoutes(options: LiveRoutesOptions): Hono {
  const { kinds, poller, budget, gauge, now, bodyMs = 10_000 } = options;
  const app = new Hono();
  const limited = bodyLimit({
    maxSize: maxBodyBytes,
    onError: (c) => refuse(c, 413, "too many views"),
  });
  app.post("/", async (c) => {
    let body: unknown;
    // It reads a body that does not say its length, which takes time too.
    const reading = limited(c, async () => void (body = await c.req.json()));
    if (!await within(bodyMs, reading)) return refuse(c, 408, "the request did not arrive");
    // What breaks off, or is no JSON, is no list of views either.
    const tooLarge = await reading.catch(() => {});
    if (tooLarge instanceof Response) return tooLarge;
    const requested = readViews(body, kinds);
    if (requested === undefined) return refuse(c, 400, `not a list of 1 to ${maxViews} views`);
    // Without a socket there is no environment at all.
    const { remoteAddr } = (c.env ?? {}) as Connection;
    const taken = budget.take(clientKey(remoteAddr?.hostname ?? ""), requested.length);
    if (taken === "client") return refuse(c, 429, "too many live views of this address");
    if (taken === "all") return refuse(c, 503, "too many live views");

    const closing = new AbortController();
    const views = requested.map((view) => view.open(poller, defaultTenant));
    gauge.inc();
    // A viewer that comes to life again finds the stream at its end, and opens another.
    const rest = () => views.forEach((view) => view[Symbol.dispose]());
    const close = () => {
      if (closing.signal.aborted) return;
      closing.abort();
      rest();
      taken[Symbol.dispose]();
      gauge.dec();
    };
    return eventStream(liveEvents({ views, beatMs, now, signal: closing.signal }), {
      close,
      rest,
    });
  });
  return app;
}

function refuse(c: Context, status: 400 | 408 | 413 | 429 | 503, why: string): Response {
  if (status === 429 || status === 503) c.header("retry-after", retryAfter);
  // What is left of a body is not read.
  if (status === 408 || status === 413) c.header("connection", "close");
  return c.text(`${why}\n`, status);
}
