import assert from "node:assert/strict";
import { Code, ConnectError } from "@connectrpc/connect";
import { Hono } from "hono";
import { frontendApp, openLive } from "../../tests/support/frontend_app.ts";
import { nextEvent } from "../../tests/support/live_stream.ts";
import { createApp } from "./app.tsx";
import { LivePoller } from "./live/live_poller.ts";
import { ViewBudget } from "./live/view_budget.ts";
import { viewKind } from "./live/view_kind.ts";
import type { Page } from "./pages/page.ts";
import { connectBackend } from "./queries/backend_client.ts";
import { createFrontendMetrics } from "./serving/frontend_metrics.ts";

Deno.test("Failures are pages with their status and plain words", async () => {
  await using t = frontendApp();
  t.backend.addDevice({ deviceId: "a" });
  const cases: [string, number, RegExp][] = [
    ["/nowhere", 404, /nothing at this address/],
    ["/devices/unknown", 404, /Device not found/],
    ["/device", 404, /Device not found/],
    ["/devices/%E0%A4%A", 404, /Device not found/],
    ["/devices?page_token=bad", 400, /This link does not work[^]*href="\/devices"/],
    ["/devices/a?page_token=bad", 400, /This link does not work/],
  ];
  for (const [path, status, words] of cases) {
    const response = await t.app.request(path);
    assert.equal(response.status, status, path);
    assert.match(await response.text(), words);
  }
  for (const [code, status] of [[Code.Unavailable, 503], [Code.Internal, 502]] as const) {
    t.backend.failure = new ConnectError("no", code);
    const response = await t.app.request("/devices?page_token=x%22");
    assert.equal(response.status, status);
    assert.match(await response.text(), /hx-get="\/devices\?page_token=x%22"/);
    const waiting = await t.app.request("/devices", { headers: { "x-waiting": "true" } });
    assert.equal(waiting.status, 204);
  }
});

Deno.test("Every response carries the security headers, and pages hold nothing inline", async () => {
  await using t = frontendApp();
  for (const path of ["/devices", "/nowhere", "/metrics", "/"]) {
    const { headers } = await t.app.request(path);
    assert.match(
      headers.get("content-security-policy") ?? "",
      /^default-src 'none'; script-src 'self'/,
    );
    assert.equal(headers.get("x-content-type-options"), "nosniff");
  }
  const html = await (await t.app.request("/devices")).text();
  assert.doesNotMatch(html, /\sstyle=|<style|\son[a-z]+=|hx-on|<script(?![^>]*src=)/);
  for (const [, path] of html.matchAll(/(?:src|href)="(\/static\/[^"]*)"/g)) {
    const asset = await t.app.request(path!);
    assert.equal(asset.status, 200);
    assert.match(asset.headers.get("cache-control")!, /immutable/);
    assert.notEqual((await asset.text()).length, 0);
  }
});

Deno.test("Requests are counted by route pattern", async () => {
  await using t = frontendApp();
  await t.app.request("/devices/x");
  await t.app.request("/no/such/page");
  const text = await (await t.app.request("/metrics")).text();
  assert.match(
    text,
    /http_requests_total\{route="\/devices\/:id",status="404",service="frontend"\} 1/,
  );
  assert.match(text, /http_requests_total\{route="unmatched",status="404",service="frontend"\} 1/);
  assert.equal((await t.app.request("/readyz")).status, 200);
});

Deno.test("What a page does not take is refused with what it does take", async () => {
  await using t = frontendApp();
  t.backend.addDevice({ deviceId: "a" });
  const html = await (await t.app.request("/devices")).text();
  const style = /href="(\/static\/[^"]*\.css)"/.exec(html)![1]!;
  const pages = ["/devices", "/devices/a", "/device?id=a", "/metrics", style];
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    for (const path of pages) {
      const response = await t.app.request(path, { method });
      assert.equal(response.status, 405, `${method} ${path}`);
      assert.equal(response.headers.get("allow"), "GET, HEAD");
      assert.match(await response.text(), /Nothing can be sent here/);
    }
    assert.equal((await t.app.request("/nowhere", { method })).status, 404);
  }
  assert.equal((await t.app.request("/live")).headers.get("allow"), "POST");
  const head = await t.app.request("/devices", { method: "HEAD" });
  assert.equal(head.status, 200);
  assert.equal(await head.text(), "");
});

Deno.test("A backend that is away is one short line in the log", async () => {
  // Nobody listens there.
  using backend = connectBackend(new URL("http://127.0.0.1:2"));
  await using poller = new LivePoller({ intervalMs: 1 });
  const budget = new ViewBudget({ max: 1, maxPerClient: 1 });
  const warnings: unknown[] = [];
  const app = createApp({
    iot: backend.iot,
    ...{ polls: backend.iot, poller, budget },
    metrics: createFrontendMetrics(),
    log: {
      error: () => assert.fail(),
      warning: (message, fields) => warnings.push([message, fields]),
    },
  });
  const response = await app.request("/devices");
  assert.equal(response.status, 503);
  assert.equal(warnings.length, 1);
  const line = JSON.stringify(warnings);
  assert.match(line, /"\/devices".*Cannot reach the backend: .*[Cc]onnection refused/);
  assert.doesNotMatch(line, / at .*\.ts:/);
});

Deno.test("A page is all that the app has to be told of it", async () => {
  let ticks = 0;
  const unknown = new ConnectError("no such zone", Code.NotFound);
  const missing = { status: 404, title: "No such zone", sentence: "None.", passes: false } as const;
  const clockPage: Page = {
    link: { href: "/clock", label: "Clock" },
    style: ".clock { color: red }",
    routes: ({ now, send }) =>
      new Hono().get("/clock/:zone", (c) => {
        if (c.req.param("zone") !== "utc") throw unknown;
        return send.page(c, { title: "Clock", live: "connecting", nowMs: now() }, "tick");
      }),
    live: () =>
      viewKind({
        name: "zone",
        missing,
        read: (zone, after = "0") =>
          typeof zone !== "string" ? undefined : {
            key: zone,
            load: () => zone === "utc" ? Promise.resolve(++ticks) : Promise.reject(unknown),
            advance: (tick) => ({ html: `tick ${tick} after ${after}`, after: String(tick) }),
          },
      }),
    missing,
    partFailed: ({ title }, href) => `${title}: ${href}`,
  };
  await using t = frontendApp({ pages: [clockPage] });
  const html = await (await t.app.request("/clock/utc")).text();
  const stylesheet = /href="(\/static\/[^"]*\.css)"/.exec(html)![1]!;
  assert.match(
    await (await t.app.request(stylesheet)).text(),
    /^body {[^]*\.clock { color: red }$/m,
  );
  assert.match(html, /<nav aria-label="Main"><a href="\/clock">Clock<\/a><\/nav>[^]*tick/);
  const lost = await t.app.request("/clock/mars");
  assert.equal(lost.status, 404);
  assert.match(await lost.text(), /<h1[^>]*>No such zone/);
  const part = { headers: { "hx-request-type": "partial" } };
  const noPart = await t.app.request("/clock/mars?at=1", part);
  assert.equal(await noPart.text(), "No such zone: /clock/mars?at=1");

  const { events } = await openLive(t, [{ zone: "utc", after: "7" }, { zone: "mars" }]);
  const first = await nextEvent(events, ({ type, view }) => type === "frame" && view === 0);
  assert.equal(first.html, "tick 1 after 7");
  const gone = await nextEvent(events, ({ type, view }) => type === "frame" && view === 1);
  assert.match(gone.html!, /hx-target="#main"[^]*No such zone/);
  await events.return(undefined);
  for (const view of [{ zone: 1 }, { devices: "" }]) {
    assert.equal((await openLive(t, [view])).response.status, 400);
  }
});
