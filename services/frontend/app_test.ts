import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { IoTService } from "#shared/gen/iot/v1/iot_service_pb.ts";
import { FakeBackend } from "../../tests/support/fake_backend.ts";
import { createApp } from "./app.tsx";
import { connectBackend } from "./backend_client.ts";
import { deviceHref } from "./format/device_href.ts";
import { createFrontendMetrics } from "./frontend_metrics.ts";
import { LivePoller } from "./live/live_poller.ts";

const nowSeconds = 1_700_000_000;

/** The app over a fake backend; a poll follows the one before at once. */
function setUp() {
  const backend = new FakeBackend();
  const metrics = createFrontendMetrics();
  const poller = new LivePoller({ intervalMs: 1 });
  const iot = createClient(IoTService, createRouterTransport(backend.routes));
  const clock = { ms: nowSeconds * 1_000 };
  const app = createApp({ iot, poller, metrics, log: getLogger("test"), now: () => clock.ms });
  return {
    ...{ backend, metrics, app, clock },
    [Symbol.asyncDispose]: () => poller[Symbol.asyncDispose](),
  };
}

/** The events of a stream, as they come. */
async function* events(response: Response): AsyncGenerator<string> {
  let text = "";
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    const parts = (text + chunk).split("\n\n");
    text = parts.pop()!;
    yield* parts;
  }
}

async function nextWith(stream: AsyncGenerator<string>, content: string): Promise<string> {
  for (let read = await stream.next(); !read.done; read = await stream.next()) {
    if (read.value.includes(content)) return read.value;
  }
  throw new Error(`the stream ended without ${content}`);
}

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
  await using t = setUp();
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

Deno.test("A device's page and its stream work for any id", async () => {
  for (const deviceId of hostileIds) {
    await using t = setUp();
    t.backend.addDevice({ deviceId, firmware: "1.2.3" });
    t.backend.addReading(deviceId, nowSeconds);
    const page = await t.app.request(deviceHref(deviceId));
    const html = await page.text();
    assert.equal(page.status, 200, deviceId);
    assert.match(html, /1\.2\.3/);
    const href = /hx-sse:connect="([^"]*)"/.exec(html)![1]!.replaceAll("&amp;", "&");
    const stream = events(await t.app.request(href));
    assert.match(await nextWith(stream, "backend"), /data: up/);
    t.backend.addReading(deviceId, nowSeconds + 1, { temperature: 33.3 });
    assert.match(await nextWith(stream, "33.3"), /hx-swap="afterbegin"/);
    await stream.return(undefined);
  }
});

Deno.test("The list is paged by cursor", async () => {
  await using t = setUp();
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
  await using t = setUp();
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
  await using t = setUp();
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
  await using t = setUp();
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

Deno.test("The list's stream swaps only the rows that changed", async () => {
  await using t = setUp();
  for (const deviceId of ["a", "b", "c"]) t.backend.addDevice({ deviceId });
  const stream = events(await t.app.request("/live/devices"));
  assert.match(await nextWith(stream, "#devices"), /innerMorph/);
  t.backend.addReading("b", nowSeconds, { temperature: 12.3 });
  const changed = await nextWith(stream, "12.3");
  assert.equal(changed.match(/<hx-partial/g)?.length, 1);
  assert.match(changed, /hx-swap="outerMorph"><tr id="d-/);
  t.backend.addDevice({ deviceId: "d" });
  assert.match(await nextWith(stream, ">d<"), /hx-target="#devices"/);
  await stream.return(undefined);
});

Deno.test("A stream says when the backend is down, and goes on when it is back", async () => {
  await using t = setUp();
  t.backend.addDevice({ deviceId: "a" });
  const stream = events(await t.app.request("/live/devices"));
  assert.match(await nextWith(stream, "event: backend"), /retry: \d+[^]*data: up/);
  t.clock.ms += 15_000;
  assert.match(await nextWith(stream, "event: backend"), /^event: backend\ndata: up$/);
  t.backend.failure = new ConnectError("no", Code.Unavailable);
  assert.match(await nextWith(stream, "event: backend"), /data: down/);
  t.backend.failure = undefined;
  t.backend.addReading("a", nowSeconds, { temperature: 12.3 });
  await nextWith(stream, "12.3");
  assert.match(await nextWith(stream, "event: backend"), /data: up/);
  await stream.return(undefined);
});

Deno.test("A stream replaces the page of a device that is gone, and ends", async () => {
  await using t = setUp();
  t.backend.addDevice({ deviceId: "a" });
  const stream = events(await t.app.request("/live/readings?device_id=a&after=0."));
  await nextWith(stream, "event: backend");
  t.backend.devices.clear();
  assert.match(await nextWith(stream, "#main"), /Device not found/);
  assert.equal((await stream.next()).done, true);
});

Deno.test("A reconnecting viewer gets exactly the readings that it missed", async () => {
  await using t = setUp();
  t.backend.addDevice({ deviceId: "a" });
  for (let i = 0; i < 60; i++) t.backend.addReading("a", nowSeconds + 10 * i);
  const html = await (await t.app.request("/devices/a")).text();
  const href = /hx-sse:connect="([^"]*)"/.exec(html)![1]!.replaceAll("&amp;", "&");
  const before = events(await t.app.request(href));
  t.backend.addReading("a", nowSeconds + 600, { temperature: 1 });
  const id = /^id: (.*)$/m.exec(await nextWith(before, "1.0\u00a0°C"))![1]!;
  await before.return(undefined);

  t.backend.addReading("a", nowSeconds + 610, { temperature: 2 });
  t.backend.addReading("a", nowSeconds + 585, { temperature: 3 });
  const after = events(await t.app.request(href, { headers: { "last-event-id": id } }));
  const missed = await nextWith(after, "#reading-rows");
  assert.equal(missed.match(/<tr /g)?.length, 2);
  assert.match(
    missed,
    /afterbegin"><tr[^]*2\.0[^]*hx-target="#r-[0-9a-f]+" hx-swap="afterend"><tr[^]*3\.0/,
  );
  await after.return(undefined);
});

Deno.test("A table that grew by 200 rows is cut back to a page", async () => {
  await using t = setUp();
  t.backend.addDevice({ deviceId: "a" });
  t.backend.addReading("a", nowSeconds);
  const stream = events(await t.app.request("/live/readings?device_id=a&after=0."));
  let id = "";
  for (let i = 1; i <= 240; i++) {
    t.backend.addReading("a", nowSeconds + i, { temperature: i / 10 });
    const event = await nextWith(stream, `${(i / 10).toFixed(1)}\u00a0°C`);
    id = /^id: (.*)$/m.exec(event)?.[1] ?? id;
    if (i > 1 && event.includes('hx-target="#readings"')) {
      assert.equal(event.match(/<tr id/g)?.length, 50);
      assert.ok(i >= 200);
      assert.match(id, /^0\./);
      await stream.return(undefined);
      return;
    }
  }
  assert.fail("never cut back");
});

Deno.test("live_streams counts open streams, and requests are counted by route pattern", async () => {
  await using t = setUp();
  const stream = events(await t.app.request("/live/devices"));
  await stream.next();
  assert.equal((await t.metrics.liveStreams.get()).values[0]?.value, 1);
  await stream.return(undefined);
  assert.equal((await t.metrics.liveStreams.get()).values[0]?.value, 0);
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

Deno.test("A backend that is away is one short line in the log", async () => {
  // Nobody listens there.
  using backend = connectBackend(new URL("http://127.0.0.1:2"));
  await using poller = new LivePoller({ intervalMs: 1 });
  const warnings: unknown[] = [];
  const app = createApp({
    iot: backend.iot,
    poller,
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
