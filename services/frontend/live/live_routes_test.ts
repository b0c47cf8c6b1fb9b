import assert from "node:assert/strict";
import { Code, ConnectError } from "@connectrpc/connect";
import { frontendApp, nowSeconds, openLive } from "../../../tests/support/frontend_app.ts";
import { nextEvent, nextWith } from "../../../tests/support/live_stream.ts";
import { waitUntil } from "../../../tests/support/wait_until.ts";

Deno.test("One stream carries many views, each with what concerns it", async () => {
  await using t = frontendApp();
  const ids = Array.from({ length: 31 }, (_, i) => `d${i}`);
  for (const deviceId of ids) t.backend.addDevice({ deviceId });
  const views = [{ devices: "" }, ...ids.map((readings) => ({ readings, after: "0." }))];
  const { events } = await openLive(t, views);
  for (const at of [1, 31, 7]) {
    t.backend.addReading(ids[at - 1]!, nowSeconds, { temperature: at + 0.5 });
    const shown = new Set<number>();
    await nextEvent(events, ({ view, html }) => {
      if (html?.includes(`${at}.5\u00a0°C`)) shown.add(view!);
      return shown.size === 2;
    });
    assert.deepEqual([...shown].sort((a, b) => a - b), [0, at]);
  }
  await events.return(undefined);
});

Deno.test("A stream says as of when each view is true, and which the backend fails", async () => {
  await using t = frontendApp();
  t.backend.addDevice({ deviceId: "a" });
  const { response, events } = await openLive(t, [{ devices: "" }]);
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  const first = (await events.next()).value;
  assert.deepEqual(first, { type: "beat", now: t.clock.ms, asOf: [null], down: [false] });
  const begun = t.clock.ms;
  await nextEvent(events, ({ asOf }) => asOf?.[0] === begun);
  t.clock.ms += 4_000;
  // Nothing changes but the time: it is the heartbeat that tells.
  const later = await nextEvent(events, ({ asOf }) => asOf?.[0] === t.clock.ms);
  assert.equal(later.type, "beat");
  t.backend.failure = new ConnectError("no", Code.Unavailable);
  const failed = await nextEvent(events, ({ down }) => down?.[0] === true);
  t.clock.ms += 4_000;
  const still = await nextEvent(events, ({ now }) => now === t.clock.ms);
  assert.deepEqual(still.asOf, failed.asOf);
  t.backend.failure = undefined;
  await nextEvent(events, ({ asOf, down }) => down?.[0] === false && asOf![0] === t.clock.ms);
  await events.return(undefined);
});

Deno.test("A stream replaces the page of a device that is gone, and goes on for the others", async () => {
  await using t = frontendApp();
  for (const deviceId of ["a", "b"]) t.backend.addDevice({ deviceId });
  const { events } = await openLive(t, ["a", "b"].map((readings) => ({ readings, after: "0." })));
  await nextEvent(events, ({ asOf }) => asOf?.every((ms) => ms !== null) ?? false);
  t.backend.devices.delete("a");
  const gone = await nextWith(events, "#main");
  assert.equal(gone.view, 0);
  assert.match(gone.html, /Device not found/);
  t.backend.devices.delete("b");
  assert.equal((await nextWith(events, "Device not found")).view, 1);
  while (!(await events.next()).done);
});

Deno.test("Beyond its share a client is told to come later, and the pages go on", async () => {
  await using t = frontendApp();
  t.backend.addDevice({ deviceId: "a" });
  const devices = Array.from({ length: 20 }, (_, i) => ({ readings: `a${i}`, after: "0." }));
  const first = await openLive(t, devices, "192.0.2.1");
  const second = await openLive(t, devices, "::ffff:192.0.2.1");
  const refused = await openLive(t, [{ devices: "" }], "192.0.2.1");
  assert.equal(refused.response.status, 429);
  assert.match(refused.response.headers.get("retry-after")!, /^\d+$/);
  const other = await openLive(t, devices, "192.0.2.2");
  const full = await openLive(t, [{ devices: "" }], "192.0.2.3");
  assert.equal(full.response.status, 503);
  assert.match(full.response.headers.get("retry-after")!, /^\d+$/);
  assert.equal((await t.app.request("/devices")).status, 200);
  const gauge = async () => (await t.metrics.liveViews.get()).values[0]?.value;
  assert.equal(await gauge(), 60);
  await first.response.body!.cancel();
  assert.equal(await gauge(), 40);
  assert.equal((await t.metrics.liveStreams.get()).values[0]?.value, 2);
  const again = await openLive(t, [{ devices: "" }], "192.0.2.3");
  assert.equal(again.response.status, 200);
  for (const { response } of [second, other, again]) await response.body!.cancel();
  assert.equal(await gauge(), 0);
});

Deno.test("The polls of many views leave the backend room for the pages", async () => {
  await using t = frontendApp();
  const ids = Array.from({ length: 40 }, (_, i) => `d${i}`);
  for (const deviceId of ids) t.backend.addDevice({ deviceId });
  const held = Promise.withResolvers<void>();
  t.backend.hold = held.promise;
  const streams = await Promise.all(
    [ids.slice(0, 20), ids.slice(20)].map((some) =>
      openLive(t, some.map((readings) => ({ readings, after: "0." })))
    ),
  );
  for (const { events } of streams) await events.next();
  await waitUntil(() => t.backend.held.now === 4, { what: "polls" });
  t.backend.hold = undefined;
  held.resolve();
  for (const { events } of streams) {
    await nextEvent(events, ({ asOf }) => asOf?.every((ms) => ms !== null) ?? false);
    await events.return(undefined);
  }
  assert.equal(t.backend.held.most, 4);
});

Deno.test("HEAD starts nothing on a live path, and is answered as GET is", async () => {
  await using t = frontendApp();
  for (const path of ["/live", "/live/devices"]) {
    const [head, get] = [
      await t.app.request(path, { method: "HEAD" }),
      await t.app.request(path),
    ];
    assert.equal(head.status, get.status);
    assert.equal(head.headers.get("allow"), get.headers.get("allow"));
    assert.equal(await head.text(), "");
  }
  assert.equal((await t.metrics.liveStreams.get()).values[0]?.value, 0);
  assert.deepEqual(t.backend.calls, { getAllDevice: 0, getDevice: 0, getReadings: 0 });
});

Deno.test("A request for a stream that is no list of views is refused unread", async () => {
  await using t = frontendApp();
  const many = Array.from({ length: 33 }, () => ({ devices: "" }));
  const bad = [
    ...[undefined, null, {}, [], many, [{}], [null], ["a"], [{ devices: 1 }]],
    ...[[{ devices: "", readings: "a" }], [{ readings: "a", after: 7 }], [{ toString: "" }]],
  ];
  for (const views of bad) {
    const { response } = await openLive(t, views as unknown[]);
    assert.equal(response.status, 400, JSON.stringify(views));
  }
  const notJson = await t.app.request("/live", { method: "POST", body: "views" });
  assert.equal(notJson.status, 400);

  let read = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      read += 65_536;
      controller.enqueue(new Uint8Array(65_536).fill(32));
    },
  }, { highWaterMark: 0 });
  const large = await t.app.request("/live", { method: "POST", body: endless });
  assert.equal(large.status, 413);
  assert.ok(read < 1_000_000, `${read} bytes were read`);
});

Deno.test("A request for a stream that does not arrive is refused", async () => {
  await using t = frontendApp({ bodyMs: 20 });
  const first = new TextEncoder().encode('{"views": [');
  const stuck = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(first),
  });
  const refused = await t.app.request("/live", { method: "POST", body: stuck });
  assert.equal(refused.status, 408);
  const broken = new ReadableStream<Uint8Array>({
    start: (controller) => controller.error("gone"),
  });
  assert.equal((await t.app.request("/live", { method: "POST", body: broken })).status, 400);
});
