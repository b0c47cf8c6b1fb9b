import assert from "node:assert/strict";
import { createRegistry } from "../observability/runtime_metrics.ts";
import { adminApp, type AdminOptions } from "./admin_app.ts";

async function readiness(options: Omit<AdminOptions, "registry">) {
  const app = adminApp({ registry: createRegistry("test"), ...options });
  const response = await app.request("/readyz");
  return { status: response.status, body: await response.json() };
}

const failing = {
  fails: () => false,
  throws: () => {
    throw new Error("s3cret");
  },
  rejects: () => Promise.reject(new Error("s3cret")),
  hangs: () => new Promise<boolean>(() => {}),
};

Deno.test("adminApp is ready while every check passes", async () => {
  const checks = { schema: () => true, database: () => Promise.resolve(true) };
  assert.deepEqual(await readiness({ checks }), {
    status: 200,
    body: { status: "ok", checks: { schema: "ok", database: "ok" }, dependencies: {} },
  });
  assert.equal((await readiness({})).status, 200);
});

Deno.test("adminApp is not ready when a check fails, throws, rejects or hangs", async () => {
  const failed = { fails: "failed", throws: "failed", rejects: "failed", hangs: "failed" };
  assert.deepEqual(await readiness({ checks: { good: () => true, ...failing } }), {
    status: 503,
    body: { status: "unavailable", checks: { good: "ok", ...failed }, dependencies: {} },
  });
});

Deno.test("adminApp names what its service talks to, and is ready without it", async () => {
  const down = { fails: "down", throws: "down", rejects: "down", hangs: "down" };
  const dependencies = { good: () => true, ...failing };
  assert.deepEqual(await readiness({ dependencies }), {
    status: 200,
    body: { status: "ok", checks: {}, dependencies: { good: "ok", ...down } },
  });
  const app = adminApp({ registry: createRegistry("test"), dependencies });
  const metrics = await (await app.request("/metrics")).text();
  assert.match(metrics, /^dependency_up\{dependency="good",service="test"\} 1$/m);
  assert.match(metrics, /^dependency_up\{dependency="hangs",service="test"\} 0$/m);
});

Deno.test("adminApp asks once for a flood of probes", async () => {
  let asked = 0;
  const answer = Promise.withResolvers<boolean>();
  const check = () => {
    asked++;
    return answer.promise;
  };
  const app = adminApp({ registry: createRegistry("test"), checks: { check } });
  const probes = Array.from({ length: 50 }, () => app.request("/readyz"));
  answer.resolve(true);
  for (const { status } of await Promise.all(probes)) assert.equal(status, 200);
  assert.equal(asked, 1);
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
