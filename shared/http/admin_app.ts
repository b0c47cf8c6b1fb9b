import { Hono } from "hono";
import { Gauge, type Registry } from "prom-client";
import { keptFor } from "../lifecycle/kept_for.ts";
import { within } from "../lifecycle/within.ts";

/** What is asked by name: true when it is as it should be. */
export type Checks = Readonly<Record<string, () => boolean | Promise<boolean>>>;

export interface AdminOptions {
  readonly registry: Registry;
  /** What the service can't do its own work without; none if it can once it listens. */
  readonly checks?: Checks;
  /** What it talks to: named for people and alerts, and no reason to send it no work. */
  readonly dependencies?: Checks;
}

/** Longest that one check may take, in milliseconds: probes often wait no longer than a second. */
const checkTimeoutMs = 800;
/** How long an outcome is kept: a flood of probes asks no more often. */
const keptMs = 1_000;

/**
 * `/metrics` in Prometheus's text format; `/healthz`, 200 while the process
 * lives; `/readyz`, 200 while every check passes and 503 otherwise, with the
 * outcome of each, and of each dependency. The gauge `dependency_up` has these
 * as well.
 */
export function adminApp({ registry, checks = {}, dependencies = {} }: AdminOptions): Hono {
  const app = new Hono();
  const checkAll = outcomesOf(checks);
  const askAll = outcomesOf(dependencies);
  new Gauge({
    name: "dependency_up",
    help: "1 while what the service talks to answers, 0 otherwise.",
    labelNames: ["dependency"],
    registers: [registry],
    async collect() {
      for (const [dependency, up] of await askAll()) this.set({ dependency }, up ? 1 : 0);
    },
  });
  app.get("/metrics", async (c) => {
    return c.body(await registry.metrics(), 200, { "content-type": registry.contentType });
  });
  app.get("/healthz", (c) => c.json({ status: "ok" }));
  app.get("/readyz", async (c) => {
    const [checked, asked] = await Promise.all([checkAll(), askAll()]);
    const ready = checked.every(([, outcome]) => outcome);
    return c.json({
      status: ready ? "ok" : "unavailable",
      checks: inWords(checked, "failed"),
      dependencies: inWords(asked, "down"),
    }, ready ? 200 : 503);
  });
  return app;
}

type Outcomes = readonly (readonly [name: string, outcome: boolean])[];

/** Asks each at most once at a time, so that one that hangs holds no more than that. */
function outcomesOf(checks: Checks): () => Promise<Outcomes> {
  const asked = Object.entries(checks).map(([name, check]) =>
    [name, keptFor(keptMs, async () => await check())] as const
  );
  return () => Promise.all(asked.map(async ([name, ask]) => [name, await passes(ask)] as const));
}

async function passes(ask: () => Promise<boolean>): Promise<boolean> {
  let passed = false;
  await within(
    checkTimeoutMs,
    (async () => {
      passed = await ask();
    })(),
  );
  return passed;
}

function inWords(outcomes: Outcomes, bad: string): Readonly<Record<string, string>> {
  return Object.fromEntries(outcomes.map(([name, outcome]) => [name, outcome ? "ok" : bad]));
}
