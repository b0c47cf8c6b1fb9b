import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { createRegistry } from "#shared/observability/runtime_metrics.ts";

export interface FrontendMetrics {
  readonly registry: Registry;
  readonly requests: Counter<"route" | "status">;
  readonly requestSeconds: Histogram<"route">;
  readonly liveStreams: Gauge;
  readonly liveViews: Gauge;
}

export function createFrontendMetrics(): FrontendMetrics {
  const registry = createRegistry("frontend");
  const registers = [registry];
  return {
    registry,
    requests: new Counter({
      name: "http_requests_total",
      help: "Requests answered, by route and status.",
      labelNames: ["route", "status"],
      registers,
    }),
    requestSeconds: new Histogram({
      name: "http_request_duration_seconds",
      help: "Time until a response starts, by route.",
      labelNames: ["route"],
      buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    liveStreams: new Gauge({
      name: "live_streams",
      help: "Browsers that a live stream goes to now.",
      registers,
    }),
    liveViews: new Gauge({
      name: "live_views",
      help: "Pages that are kept up to date by live streams now.",
      registers,
    }),
  };
}
