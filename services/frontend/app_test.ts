import assert from "node:assert/strict";
import { Code, ConnectError } from "@connectrpc/connect";
import { frontendApp, nowSeconds } from "../../tests/support/frontend_app.ts";
import { createApp } from "./app.tsx";
import { deviceHref } from "./format/device_href.ts";
import { LivePoller } from "./live/live_poller.ts";
import { ViewBudget } from "./live/view_budget.ts";
import { connectBackend } from "./queries/backend_client.ts";
import { createFrontendMetrics } from "./serving/frontend_metrics.ts";
import { assets } from "./static/assets.ts";

const hostileIds = [
  `<script>alert(1)</script>`,
  `"><img src=x onerror=alert(1)>`,
  `a/b%2F?#`,
  "..",
  "live",
  "مستشعر",
  "'`&amp;",
  "<hx-partial hx-target='body'>",
];

Deno.test("The list shows devices with their latest reading, escaped", async () => {
  await using t = frontendApp();
  for (const deviceId of hostileIds) {
    t.backend.addDevice({ deviceId, location: deviceId, lastSeen: BigInt(nowSeconds - 300) });
  }
  t.backend.addReading("live", nowSeconds - 20, { temperature: -3.14 });
  const page = await t.app.request("/devices");
  const html = await page.text();
  assert.equal(page.status, 200);
  assert.match(html, /\u22123\.1\u00a0°C/);
  assert.match(html, /20 seconds ago/);
  assert.match(html, /2023-11-14 22:13:00 UTC/);
  assert.doesNotMatch(html, /<script>alert|<img src=x|<hx-partial/);
  const hrefs = [...html.matchAll(/<th role="rowheader"[^>]*>\s*<a href="([^"]*)"/g)];
  assert.equal(hrefs.length, hostileIds.length);
});

Deno.test("The list is paged by cursor", async () => {
  await using t = frontendApp();
  for (let i = 100; i < 160; i++) t.backend.addDevice({ deviceId: `d${i}` });
  const first = await (await t.app.request("/devices")).text();
  assert.match(first, /d149/);
  assert.doesNotMatch(first, /d150|First page/);
  const next = /rel="next" href="([^"]*)"/.exec(first)![1]!;
  const second = await (await t.app.request(next)).text();
  assert.match(second, /d159/);
  assert.match(second, /First page/);
  assert.doesNotMatch(second, /Next page/);
});

Deno.test("Load more answers htmx with rows, and a plain request with a page", async () => {
  await using t = frontendApp();
  t.backend.addDevice({ deviceId: "a" });
  for (let i = 0; i < 120; i++) t.backend.addReading("a", nowSeconds - i, { temperature: i / 10 });
  const html = await (await t.app.request("/devices/a")).text();
  const href = /id="more-link" class="button" href="([^"]*)"/.exec(html)![1]!;
  const part = await (await t.app.request(href, { headers: { "hx-request-type": "partial" } }))
    .text();
  assert.match(part, /^<hx-partial hx-target="#reading-rows" hx-swap="beforeend">/);
  assert.equal(part.match(/<tr /g)?.length, 50);
  const page = await (await t.app.request(href)).text();
  assert.match(page, /<html[^]*Older readings[^]*5\.0\u00a0°C/);
});

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
  const pages = ["/devices", "/devices/a", "/device?id=a", "/metrics", assets.style.path];
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

Deno.test("An id that cannot be seen is a link that can, and a page with a title", async () => {
  await using t = frontendApp();
  for (const deviceId of ["  ", " a", "\u3164"]) t.backend.addDevice({ deviceId, location: " " });
  const html = await (await t.app.request("/devices")).text();
  for (
    const [href, shown] of [
      ["%20%20", "&quot;  &quot;"],
      ["%20a", "&quot; a&quot;"],
      ["%E3%85%A4", "&quot;\\u{3164}&quot;"],
    ] as const
  ) {
    assert.ok(
      html.includes(`<a href="/devices/${href}"><bdi class="id">${shown}</bdi></a>`),
      shown,
    );
    const page = await (await t.app.request(`/devices/${href}`)).text();
    assert.ok(page.includes(`<title>${shown} · demo-app</title>`));
    assert.match(page, /not given/);
  }
});

Deno.test("A device's silence is judged by its own interval", async () => {
  await using t = frontendApp();
  const add = (deviceId: string, agoSeconds: readonly number[]) => {
    t.backend.addDevice({ deviceId, lastSeen: BigInt(nowSeconds - agoSeconds[0]!) });
    for (const ago of agoSeconds) t.backend.addReading(deviceId, nowSeconds - ago);
  };
  add("fast, quiet for 20 s", [20, 25, 30, 35]);
  add("fast, quiet for 5 s", [5, 10, 15, 20]);
  add("slow, quiet for 20 min", [1_200, 1_800, 2_400, 3_000]);
  add("slow, quiet for 40 min", [2_400, 3_000, 3_600, 4_200]);
  add("young, quiet for 5 min", [300, 305]);
  add("young, quiet for 20 s", [20, 25]);
  const html = await (await t.app.request("/devices")).text();
  const states = [
    ...html.matchAll(/<bdi class="id">([^<]*)<\/bdi><\/a>[^]*?class="state [a-z]+"[^>]*>(\w+)</g),
  ];
  assert.deepEqual(Object.fromEntries(states.map(([, id, state]) => [id, state])), {
    "fast, quiet for 20 s": "Silent",
    "fast, quiet for 5 s": "Online",
    "slow, quiet for 20 min": "Online",
    "slow, quiet for 40 min": "Silent",
    "young, quiet for 5 min": "Unknown",
    "young, quiet for 20 s": "Online",
  });
  const device = await (await t.app.request("/devices/slow, quiet for 20 min")).text();
  assert.match(device, /class="state online"[^>]*>Online/);
  assert.match(device, /every 10 minutes/);
});

Deno.test("A clock that is ahead is said to be, and makes nothing online", async () => {
  await using t = frontendApp();
  const ahead = nowSeconds + 22 * 3_600;
  t.backend.addDevice({ deviceId: "announced ahead", lastSeen: BigInt(ahead) });
  t.backend.addDevice({ deviceId: "seen", lastSeen: BigInt(nowSeconds - 5) });
  t.backend.addReading("seen", ahead);
  for (const [deviceId, state] of [["announced ahead", "Unknown"], ["seen", "Online"]] as const) {
    const html = await (await t.app.request(deviceHref(deviceId))).text();
    assert.match(html, new RegExp(`class="state [a-z]+"[^>]*>${state}<`));
    assert.match(html, /clock ahead by 22 hours/);
    assert.doesNotMatch(html, /in 22 hours/);
  }
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
