import { type Context, Hono } from "hono";
import { adminApp } from "#shared/http/admin_app.ts";
import { type LiveOptions, liveRoutes } from "./live/live_routes.ts";
import { onlyRead, pageFailure, unknownPage } from "./look/page_failure.ts";
import { devicePage } from "./pages/device/device_page.tsx";
import { devicesPage } from "./pages/devices/devices_page.tsx";
import type { Page } from "./pages/page.ts";
import type { IotClient } from "./queries/backend_client.ts";
import { errorMessages } from "./queries/error_messages.ts";
import type { FrontendMetrics } from "./serving/frontend_metrics.ts";
import { measureRequests } from "./serving/measure_requests.ts";
import { PageSender } from "./serving/page_sender.tsx";
import { securityHeaders } from "./serving/security_headers.ts";
import { createAssets } from "./static/assets.ts";

/** Every page of the site, in the order of their links. */
const allPages: readonly Page[] = [devicesPage, devicePage];

export interface AppOptions extends LiveOptions {
  readonly iot: IotClient;
  /** For polls and probes, which are tried once. */
  readonly polls: IotClient;
  readonly metrics: FrontendMetrics;
  readonly log: Readonly<
    Record<"error" | "warning", (message: string, fields: Record<string, unknown>) => void>
  >;
  readonly now?: () => number;
  readonly pages?: readonly Page[];
}

/** The pages, their live streams and what they load, and the admin endpoints. */
export function createApp(options: AppOptions): Hono {
  const { iot, polls, metrics, log, now = Date.now, pages = allPages } = options;
  const assets = createAssets(pages.map(({ style }) => style));
  const send = new PageSender({ nav: pages.flatMap(({ link }) => link ?? []), assets });
  const fail = (c: Context, error: unknown, page?: Page) => {
    const failure = pageFailure(error, page?.missing);
    const fields = { path: c.req.path, status: failure.status };
    if (failure.status === 500) log.error("Cannot make a page", { ...fields, error });
    else if (failure.passes) {
      log.warning("Cannot make a page: the backend did not answer", {
        ...fields,
        error: errorMessages(error),
      });
    }
    return send.failure(c, failure, now(), page?.partFailed);
  };

  const app = new Hono();
  app.use(measureRequests(metrics));
  app.use(securityHeaders);

  app.get("/", (c) => c.redirect("/devices"));
  for (const page of pages) {
    const routes = page.routes({ iot, now, send });
    routes.onError((error, c) => fail(c, error, page));
    app.route("/", routes);
  }
  const kinds = pages.map(({ live }) => live({ polls, now }));
  app.route("/live", liveRoutes({ ...options, kinds, gauge: metrics.liveStreams, now }));
  for (const { path, contentType, content } of Object.values(assets)) {
    app.get(path, (c) => {
      const cacheControl = "public, max-age=31536000, immutable";
      return c.body(content, 200, { "content-type": contentType, "cache-control": cacheControl });
    });
  }
  // One try: a probe is told what is so now.
  const backend = async () => (await polls.getAllDevice({ pageSize: 1 })) !== undefined;
  app.route("/", adminApp({ registry: metrics.registry, dependencies: { backend } }));

  app.notFound((c) => {
    const allowed = allowedMethods(app, c.req.path);
    if (allowed === "") return send.failure(c, unknownPage, now());
    c.header("allow", allowed);
    return send.failure(c, onlyRead, now());
  });
  app.onError((error, c) => fail(c, error));
  return app;
}

/** What a path that has routes takes, for the header `Allow`; empty for one that has none. */
function allowedMethods(app: Hono, path: string): string {
  const takes = (method: string) =>
    app.router.match(method, path)[0].some(([[, route]]) => route.method === method);
  return [...takes("GET") ? ["GET", "HEAD"] : [], ...takes("POST") ? ["POST"] : []].join(", ");
}
