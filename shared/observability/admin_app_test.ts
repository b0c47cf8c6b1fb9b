import assert from "node:assert/strict";
import { adminApp, type ReadinessChecks } from "./admin_app.ts";
import { createRegistry } from "./runtime_metrics.ts";

async function readiness(checks: ReadinessChecks) {
  const response = await adminApp({ registry: createRegistry("test"), checks }).request("/readyz");
  return { status: response.status, body: await response.json() };
}

Deno.test("adminApp is ready while every check passes", async () => {
  assert.deepEqual(await readiness({ broker: () => true, database: () => Promise.resolve(true) }), {
    status: 200,
    body: { status: "ok", checks: { broker: "ok", database: "ok" } },
  });
  assert.equal((await readiness({})).status, 200);
});

Deno.test("adminApp is not ready when a check fails, throws, rejects or hangs", async () => {
  const checks = {
    good: () => true,
    fails: () => false,
    throws: () => {
      throw new Error("s3cret");
    },
    rejects: () => Promise.reject(new Error("s3cret")),
    hangs: () => new Promise<boolean>(() => {}),
  };
  const down = { fails: "down", throws: "down", rejects: "down", hangs: "down" };
  assert.deepEqual(await readiness(checks), {
    status: 503,
    body: { status: "unavailable", checks: { good: "ok", ...down } },
  });
});

Deno.test("adminApp lives whatever its checks say, and shows its metrics", async () => {
  const app = adminApp({ registry: createRegistry("test"), checks: { never: () => false } });
  const health = await app.request("/healthz");
  assert.equal(health.status, 200);
  assert.deepEqual(await health.json(), { status: "ok" });
  const metrics = await app.request("/metrics");
  assert.match(metrics.headers.get("content-type")!, /^text\/plain; version=0\.0\.4/);
  assert.match(await metrics.text(), /^process_resident_memory_bytes\{service="test"\} \d+$/m);
  assert.equal((await app.request("/elsewhere")).status, 404);
});
