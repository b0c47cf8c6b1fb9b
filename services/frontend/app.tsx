import { type Context, Hono } from "hono";
import { adminApp } from "#shared/http/admin_app.ts";
import { deviceListHref } from "./format/device_href.ts";
import { visibleId } from "./format/visible_text.ts";
import { deviceListKey } from "./live/device_list_frames.tsx";
import { type LiveOptions, liveRoutes } from "./live_routes.ts";
import { FailureNotice } from "./look/failure_notice.tsx";
import { Layout, type LayoutProps } from "./look/layout.tsx";
import { onlyRead, type PageFailure, pageFailure, unknownPage } from "./look/page_failure.ts";
import { Retry, waitingHeader } from "./look/retry.tsx";
import { DeviceDetail } from "./pages/device_detail.tsx";
import { DeviceList, deviceRows } from "./pages/device_list.tsx";
import { MoreFailed, MoreReadings } from "./pages/reading_table.tsx";
import type { IotClient } from "./queries/backend_client.ts";
import { errorMessages } from "./queries/error_messages.ts";
import { queryDevice } from "./queries/query_device.ts";
import { queryDevices } from "./queries/query_devices.ts";
import { queryReadings } from "./queries/query_readings.ts";
import type { FrontendMetrics } from "./serving/frontend_metrics.ts";
import { measureRequests } from "./serving/measure_requests.ts";
import { securityHeaders } from "./serving/security_headers.ts";
import { assets } from "./static/assets.ts";

export interface AppOptions extends LiveOptions {
  readonly iot: IotClient;
  readonly metrics: FrontendMetrics;
  readonly log: Readonly<
    Record<"error" | "warning", (message: string, fields: Record<string, unknown>) => void>
  >;
  readonly now?: () => number;
}

/** The pages, their live streams and what they load, and the admin endpoints. */
export function createApp(options: AppOptions): Hono {
  const { iot, metrics, log, now = Date.now } = options;
  const app = new Hono();
  app.use(measureRequests(metrics));
  app.use(securityHeaders);

  app.get("/", (c) => c.redirect("/devices"));
  app.get("/devices", async (c) => {
    const pageToken = c.req.query("page_token") ?? "";
    const nowMs = now();
    const response = await queryDevices(iot, pageToken);
    const rows = deviceRows(response, nowMs);
    const after = deviceListKey(rows, response.nextPageToken);
    const live = { view: { devices: pageToken }, after, asOfMs: nowMs };
    return page(
      c,
      { title: "Devices", live: "connecting", nowMs },
      <DeviceList {...{ response, rows, pageToken, live }} />,
    );
  });
  app.get("/devices/", (c) => c.redirect(deviceListHref(c.req.query("page_token") ?? ""), 308));

  const showDevice = async (c: Context, deviceId: string) => {
    const pageToken = c.req.query("page_token") ?? "";
    const nowMs = now();
    const readingsQuery = queryReadings(iot, deviceId, pageToken);
    // Awaited below, unless the device fails first; that failure is then the one to show.
    readingsQuery.catch(() => {});
    const device = await queryDevice(iot, deviceId);
    const { readings, nextPageToken } = await readingsQuery;
    if (wantsPart(c)) {
      const more = { deviceId, readings, nextPageToken };
      return send(c, 200, <MoreReadings {...more} />);
    }
    const props = { device, readings, nextPageToken, newest: pageToken === "", nowMs };
    const layout = { title: visibleId(deviceId), live: "connecting", nowMs } as const;
    return page(c, layout, <DeviceDetail {...props} />);
  };
  app.get("/devices/:id", (c) => showDevice(c, c.req.param("id")));
  // For the ids that cannot be a part of a path; see `deviceHref`.
  app.get("/device", (c) => showDevice(c, c.req.query("id") ?? ""));

  app.route("/live", liveRoutes({ ...options, now }));
  for (const { path, contentType, content } of Object.values(assets)) {
    app.get(path, (c) => {
      const cacheControl = "public, max-age=31536000, immutable";
      return c.body(content, 200, { "content-type": contentType, "cache-control": cacheControl });
    });
  }
  // One try: a probe is told what is so now.
  const backend = async () => (await options.polls.getAllDevice({ pageSize: 1 })) !== undefined;
  app.route("/", adminApp({ registry: metrics.registry, dependencies: { backend } }));

  app.notFound((c) => {
    const allowed = allowedMethods(app, c.req.path);
    if (allowed === "") return showFailure(c, unknownPage, now());
    c.header("allow", allowed);
    return showFailure(c, onlyRead, now());
  });
  app.onError((error, c) => {
    const failure = pageFailure(error);
    const fields = { path: c.req.path, status: failure.status };
    if (failure.status === 500) log.error("Cannot make a page", { ...fields, error });
    else if (failure.passes) {
      log.warning("Cannot make a page: the backend did not answer", {
        ...fields,
        error: errorMessages(error),
      });
    }
    return showFailure(c, failure, now());
  });
  return app;
}

/** What a path that has routes takes, for the header `Allow`; empty for one that has none. */
function allowedMethods(app: Hono, path: string): string {
  const takes = (method: string) =>
    app.router.match(method, path)[0].some(([[, route]]) => route.method === method);
  return [...takes("GET") ? ["GET", "HEAD"] : [], ...takes("POST") ? ["POST"] : []].join(", ");
}

function showFailure(
  c: Context,
  failure: PageFailure,
  nowMs: number,
): Response | Promise<Response> {
  const { pathname, search } = new URL(c.req.url);
  const href = pathname + search;
  if (failure.passes && c.req.header(waitingHeader) !== undefined) return c.body(null, 204);
  if (wantsPart(c)) return send(c, failure.status, <MoreFailed failure={failure} href={href} />);
  if (failure.passes) c.header("retry-after", "2");
  return page(
    c,
    { title: failure.title, live: failure.passes ? "lost" : undefined, nowMs },
    <>
      <FailureNotice failure={failure} />
      {failure.passes && <Retry href={href} />}
    </>,
    failure.status,
  );
}

/** True for htmx when it asks for rows to add, and not for a page. */
function wantsPart(c: Context): boolean {
  return c.req.header("hx-request-type") === "partial";
}

function page(
  c: Context,
  layout: Omit<LayoutProps, "children">,
  content: LayoutProps["children"],
  status: 200 | PageFailure["status"] = 200,
): Response | Promise<Response> {
  return send(c, status, <Layout {...layout}>{content}</Layout>, "<!DOCTYPE html>");
}

function send(
  c: Context,
  status: 200 | PageFailure["status"],
  content: ReturnType<typeof Layout>,
  preamble = "",
): Response | Promise<Response> {
  c.header("cache-control", "no-store");
  c.header("vary", "HX-Request-Type");
  return c.html(preamble + content, status);
}
