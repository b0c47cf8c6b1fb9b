import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { within } from "#shared/lifecycle/within.ts";
import { clientKey } from "./live/client_key.ts";
import { deviceListFrames, deviceListView } from "./live/device_list_frames.tsx";
import { eventStream } from "./live/event_stream.ts";
import { liveEvents, type LiveView, liveView } from "./live/live_events.tsx";
import type { LivePoller, Watch } from "./live/live_poller.ts";
import { readingFrames, type ReadingsView, readingsView } from "./live/reading_frames.tsx";
import type { ViewBudget } from "./live/view_budget.ts";
import { pageFailure } from "./look/page_failure.ts";
import { readViews, type ViewRequest } from "./pages/view_request.ts";
import { readCursor } from "./pages/window_cursor.ts";
import type { IotClient } from "./queries/backend_client.ts";
import { queryDevice } from "./queries/query_device.ts";
import { queryDevices } from "./queries/query_devices.ts";
import { queryReadings } from "./queries/query_readings.ts";
import type { FrontendMetrics } from "./serving/frontend_metrics.ts";

export interface LiveOptions {
  /** For the polls: what they wait for keeps no page waiting. */
  readonly polls: IotClient;
  readonly poller: LivePoller;
  readonly budget: ViewBudget;
  /** Longest that a request's body may take to arrive, in milliseconds; 10 s unless given. */
  readonly bodyMs?: number;
}

export interface LiveRoutesOptions extends LiveOptions {
  readonly metrics: Pick<FrontendMetrics, "liveStreams">;
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
  const { budget, metrics, now, bodyMs = 10_000 } = options;
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
    const requested = readViews(body);
    if (requested === undefined) return refuse(c, 400, "not a list of 1 to 32 views");
    // Without a socket there is no environment at all.
    const { remoteAddr } = (c.env ?? {}) as Connection;
    const taken = budget.take(clientKey(remoteAddr?.hostname ?? ""), requested.length);
    if (taken === "client") return refuse(c, 429, "too many live views of this address");
    if (taken === "all") return refuse(c, 503, "too many live views");

    const closing = new AbortController();
    const watches: Disposable[] = [];
    metrics.liveStreams.inc();
    // A viewer that comes to life again finds the stream at its end, and opens another.
    const rest = () => watches.forEach((watch) => watch[Symbol.dispose]());
    const close = () => {
      if (closing.signal.aborted) return;
      closing.abort();
      rest();
      taken[Symbol.dispose]();
      metrics.liveStreams.dec();
    };
    const views = requested.map((view) => openView(view, options, watches));
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

function openView(
  view: ViewRequest,
  { polls, poller, now }: LiveRoutesOptions,
  watches: Disposable[],
): LiveView {
  const watched = <Value>(watch: Watch<Value>): Watch<Value> => {
    watches.push(watch);
    return watch;
  };
  const failure = pageFailure;
  if ("devices" in view) {
    const pageToken = view.devices;
    const watch = watched(
      poller.watch(
        JSON.stringify(["devices", pageToken]),
        async (signal) =>
          deviceListView(await queryDevices(polls, pageToken, signal), pageToken, now()),
      ),
    );
    return liveView({ watch, failure, advance: deviceListFrames(view.after) });
  }
  const deviceId = view.readings;
  const watch = watched(
    poller.watch(JSON.stringify(["readings", deviceId]), readingsLoader(polls, deviceId, now)),
  );
  const shown = view.after === undefined ? "older" : readCursor(view.after) ?? "unknown";
  return liveView({ watch, failure, advance: readingFrames(shown) });
}

/** How many polls of a device's readings go by until the device itself is asked for again. */
const pollsPerDevice = 10;

function readingsLoader(
  polls: IotClient,
  deviceId: string,
  now: () => number,
): (signal: AbortSignal) => Promise<ReadingsView> {
  let loads = 0;
  let device: Awaited<ReturnType<typeof queryDevice>> | undefined;
  return async (signal) => {
    if (device === undefined || loads++ % pollsPerDevice === 0) {
      device = await queryDevice(polls, deviceId, signal);
    }
    return readingsView(device, await queryReadings(polls, deviceId, "", signal), now());
  };
}
