import { Hono } from "hono";
import type { IotClient } from "./backend_client.ts";
import { queryDevice, queryDevices, queryReadings } from "./device_queries.ts";
import type { FrontendMetrics } from "./frontend_metrics.ts";
import { deviceListFrames, deviceListView } from "./live/device_list_frames.tsx";
import { eventStream } from "./live/event_stream.ts";
import { type Frame, liveFrames } from "./live/live_frames.tsx";
import type { LivePoller, Watch } from "./live/live_poller.ts";
import { readingFrames, type ReadingsView, readingsView } from "./live/reading_frames.tsx";
import { readCursor } from "./pages/window_cursor.ts";
import { pageFailure } from "./page_failure.ts";

export interface LiveRoutesOptions {
  readonly iot: IotClient;
  readonly poller: LivePoller;
  readonly metrics: Pick<FrontendMetrics, "liveStreams">;
  readonly now: () => number;
}

/** Longest that a stream stays silent, in milliseconds. */
const heartbeatMs = 15_000;

/**
 * A stream of server-sent events for each open page. Their addresses are apart
 * from the pages', where `live` may be the id of a device.
 */
export function liveRoutes({ iot, poller, metrics, now }: LiveRoutesOptions): Hono {
  const stream = <Value>(
    watch: Watch<Value>,
    advance: (value: Value) => Frame | undefined,
  ): Response => {
    metrics.liveStreams.inc();
    let open = true;
    return eventStream(
      liveFrames({ watch, advance, failure: pageFailure, heartbeatMs, now }),
      () => {
        if (open) metrics.liveStreams.dec();
        open = false;
        watch[Symbol.dispose]();
      },
    );
  };

  const app = new Hono();
  app.get("/devices", (c) => {
    const pageToken = c.req.query("page_token") ?? "";
    const watch = poller.watch(JSON.stringify(["devices", pageToken]), async (signal) => {
      return deviceListView(await queryDevices(iot, pageToken, signal), pageToken, now());
    });
    return stream(watch, deviceListFrames());
  });
  app.get("/readings", (c) => {
    const deviceId = c.req.query("device_id") ?? "";
    const after = c.req.header("last-event-id") || c.req.query("after");
    const shown = after === undefined ? "older" : readCursor(after) ?? "unknown";
    const watch = poller.watch(
      JSON.stringify(["readings", deviceId]),
      readingsLoader(iot, deviceId, now),
    );
    return stream(watch, readingFrames(shown));
  });
  return app;
}

/** How many polls of a device's readings go by until the device itself is asked for again. */
const pollsPerDevice = 10;

function readingsLoader(
  iot: IotClient,
  deviceId: string,
  now: () => number,
): (signal: AbortSignal) => Promise<ReadingsView> {
  let polls = 0;
  let device: Awaited<ReturnType<typeof queryDevice>> | undefined;
  return async (signal) => {
    if (device === undefined || polls++ % pollsPerDevice === 0) {
      device = await queryDevice(iot, deviceId, signal);
    }
    return readingsView(device, await queryReadings(iot, deviceId, "", signal), now());
  };
}
