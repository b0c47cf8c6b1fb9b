import { Hono } from "hono";
import type { Registry } from "prom-client";
import { within } from "#shared/lifecycle/within.ts";

/** What each part that a service needs says of itself: true when it answers. */
export type ReadinessChecks = Readonly<Record<string, () => boolean | Promise<boolean>>>;

export interface AdminOptions {
  readonly registry: Registry;
  readonly checks: ReadinessChecks;
}

/** Longest that one readiness check may take, in milliseconds. */
const checkTimeoutMs = 2_000;

/**
 * `/metrics` in Prometheus's text format; `/healthz`, 200 while the process
 * lives; `/readyz`, 200 while every check passes and 503 otherwise, with the
 * outcome of each.
 */
export function adminApp({ registry, checks }: AdminOptions): Hono {
  const app = new Hono();
  app.get("/metrics", async (c) => {
    return c.body(await registry.metrics(), 200, { "content-type": registry.contentType });
  });
  app.get("/healthz", (c) => c.json({ status: "ok" }));
  app.get("/readyz", async (c) => {
    const outcomes = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => [name, await passes(check)] as const),
    );
    const ready = outcomes.every(([, outcome]) => outcome);
    const results = outcomes.map(([name, outcome]) => [name, outcome ? "ok" : "down"]);
    return c.json(
      { status: ready ? "ok" : "unavailable", checks: Object.fromEntries(results) },
      ready ? 200 : 503,
    );
  });
  return app;
}

async function passes(check: () => boolean | Promise<boolean>): Promise<boolean> {
  let passed = false;
  await within(
    checkTimeoutMs,
    (async () => {
      passed = await check();
    })(),
  );
  return passed;
}
