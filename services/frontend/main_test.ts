import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { BrowserBackend } from "../../tests/support/browser_backend.ts";
import { FakeBackend } from "../../tests/support/fake_backend.ts";
import { liveRequest } from "../../tests/support/live_stream.ts";
import { waitUntil } from "../../tests/support/wait_until.ts";
import { runFrontend } from "./main.ts";

const log = getLogger("test");
const config = { host: "127.0.0.1", httpPort: 0, maxLiveViewsPerClient: 20 };

/** A running frontend before a fake backend with one device. */
async function startFrontend(maxLiveViews = 3) {
  const fake = new FakeBackend();
  fake.addDevice({ deviceId: "a" });
  const backend = new BrowserBackend(fake);
  backend.start();
  const stop = new AbortController();
  const ready = Promise.withResolvers<string>();
  const running = runFrontend(
    { ...config, maxLiveViews, backendUrl: backend.url },
    { log, signal: stop.signal, onReady: ({ pages }) => ready.resolve(pages!) },
  );
  const pages = await Promise.race([ready.promise, running.then(() => "")]);
  return {
    fake,
    pages: new URL(pages),
    running,
    stop: () => stop.abort(),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await running;
      await backend.stop();
    },
  };
}

Deno.test("runFrontend ends open streams when it is told to stop", async () => {
  await using frontend = await startFrontend();
  const response = await fetch(new URL("/live", frontend.pages), liveRequest([{ devices: "" }]));
  const reader = response.body!.getReader();
  assert.equal((await reader.read()).done, false);
  frontend.stop();
  await frontend.running;
  while (!(await reader.read()).done);
});

Deno.test("runFrontend stops although a viewer has stopped reading", async () => {
  await using frontend = await startFrontend();
  const html = await (await fetch(frontend.pages)).text();
  const htmx = /src="(\/static\/[^"]*\/htmx\.js)"/.exec(html)![1]!;
  using stuck = await Deno.connect({ port: Number(frontend.pages.port) });
  // The answers are 20 MB, more than fits between the server and a client that does not read.
  const request = `GET ${htmx} HTTP/1.1\r\nhost: localhost\r\n\r\n`.repeat(500);
  await stuck.write(new TextEncoder().encode(request));
  await answersAreStuck(frontend.pages, 500);
  const stoppedMs = performance.now();
  frontend.stop();
  await frontend.running;
  const tookMs = performance.now() - stoppedMs;
  assert.ok(tookMs > 1_000, `nothing was in its way: ${tookMs} ms`);
});

Deno.test("runFrontend asks for little at once for what is live, and answers pages meanwhile", async () => {
  await using frontend = await startFrontend(20);
  const { fake, pages } = frontend;
  const ids = Array.from({ length: 20 }, (_, i) => `d${i}`);
  for (const deviceId of ids) fake.addDevice({ deviceId });
  const held = Promise.withResolvers<void>();
  // Also where the test fails: the backend stops once it has answered.
  using _held = { [Symbol.dispose]: held.resolve };
  fake.hold = held.promise;
  const views = ids.map((readings) => ({ readings }));
  const stream = await fetch(new URL("/live", pages), liveRequest(views));
  await waitUntil(() => fake.held.now >= 4, { what: "polls that wait for the backend" });
  assert.match(await (await fetch(new URL("/devices", pages))).text(), /data-live/);
  assert.equal(fake.held.most, 4);
  fake.hold = undefined;
  held.resolve();
  await stream.body!.cancel();
});

Deno.test("runFrontend bounds what is live, until the streams are gone", async () => {
  await using frontend = await startFrontend();
  const open = () => fetch(new URL("/live", frontend.pages), liveRequest([{ devices: "" }]));
  const streams = [await open(), await open(), await open()];
  const refused = await open();
  assert.equal(refused.status, 503);
  await refused.body?.cancel();
  assert.match(await (await fetch(new URL("/devices", frontend.pages))).text(), /data-live/);
  for (const { body } of streams) await body!.cancel();
  const again = await waitUntil(async () => {
    const response = await open();
    if (response.status === 200) return response;
    await response.body?.cancel();
  }, { what: "room for a stream" });
  await again.body!.cancel();
});

/** Waits until the server answers others, and no more of those `requests`. */
async function answersAreStuck(pages: URL, requests: number): Promise<void> {
  let [answered, looks] = [0, 0];
  await waitUntil(async () => {
    const metrics = await (await fetch(new URL("/metrics", pages))).text();
    const [, count] = /^http_requests_total\{route="\/static\/[^}]*\} (\d+)$/m.exec(metrics) ?? [];
    looks = Number(count) === answered ? looks + 1 : 0;
    answered = Number(count);
    return looks === 20;
  }, { what: "answers to be stuck" });
  assert.ok(answered < requests, "all were answered");
}

Deno.test("runFrontend says which setting to change when the port is taken", async () => {
  await using frontend = await startFrontend();
  const httpPort = Number(frontend.pages.port);
  const taken = { ...config, maxLiveViews: 1, httpPort, backendUrl: new URL("http://127.0.0.1:1") };
  await assert.rejects(runFrontend(taken, { log, signal: new AbortController().signal }), {
    name: "ExitError",
    message: /in use; choose another with frontend\.http_port/,
  });
});
