import type { Context, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import type { FrontendMetrics } from "./frontend_metrics.ts";

/** Counts and times requests by the pattern of their route, a closed set. */
export function measureRequests(
  { requests, requestSeconds }: Pick<FrontendMetrics, "requests" | "requestSeconds">,
): MiddlewareHandler {
  return async (c, next) => {
    const startedMs = performance.now();
    await next();
    const route = routePattern(c);
    requests.inc({ route, status: c.res.status });
    requestSeconds.observe({ route }, (performance.now() - startedMs) / 1_000);
  };
}

function routePattern(c: Context): string {
  return matchedRoutes(c).findLast(({ method }) => method !== "ALL")?.path ?? "unmatched";
}
