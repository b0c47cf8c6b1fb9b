import { createClient, createRouterTransport } from "@connectrpc/connect";
import { getLogger } from "@logtape/logtape";
import { IoTService } from "#shared/gen/iot/v1/iot_service_pb.ts";
import { type AppOptions, createApp } from "../../services/frontend/app.tsx";
import { LivePoller } from "../../services/frontend/live/live_poller.ts";
import { PollGate } from "../../services/frontend/live/poll_gate.ts";
import { ViewBudget } from "../../services/frontend/live/view_budget.ts";
import { isAway } from "../../services/frontend/queries/is_away.ts";
import { createFrontendMetrics } from "../../services/frontend/serving/frontend_metrics.ts";
import { FakeBackend } from "./fake_backend.ts";
import { liveEventsOf, liveRequest, viewOf } from "./live_stream.ts";

/** When it is, for the app below. */
export const nowSeconds = 1_700_000_000;

/** The frontend's app over a fake backend; a poll follows the one before at once. */
export function frontendApp(options: Pick<AppOptions, "bodyMs" | "pages"> = {}) {
  const backend = new FakeBackend();
  const metrics = createFrontendMetrics();
  const clock = { ms: nowSeconds * 1_000 };
  const now = () => clock.ms;
  const gate = new PollGate({ atOnce: 4, away: isAway });
  const poller = new LivePoller({ intervalMs: 1, gate, now });
  const budget = new ViewBudget({ max: 60, maxPerClient: 40, gauge: metrics.liveViews });
  const iot = createClient(IoTService, createRouterTransport(backend.routes));
  const log = getLogger("test");
  const app = createApp({ iot, polls: iot, poller, budget, metrics, log, now, ...options });
  return {
    ...{ backend, metrics, app, clock },
    [Symbol.asyncDispose]: () => poller[Symbol.asyncDispose](),
  };
}

type App = ReturnType<typeof frontendApp>;

/** A live stream of `views`, asked for from `address`. */
export async function openLive(t: App, views: readonly unknown[], address = "192.0.2.1") {
  const env = { remoteAddr: { hostname: address } };
  const response = await t.app.request("/live", liveRequest(views), env);
  return { response, events: liveEventsOf(response) };
}

/** What the page at `path` asks to be kept up to date. */
export async function pageView(t: App, path: string) {
  return viewOf(await (await t.app.request(path)).text());
}
