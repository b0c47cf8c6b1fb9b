import assert from "node:assert/strict";
import {
  frontendApp,
  nowSeconds,
  openLive,
  pageView,
} from "../../../../tests/support/frontend_app.ts";
import { hostileIds } from "../../../../tests/support/hostile_ids.ts";
import { nextWith } from "../../../../tests/support/live_stream.ts";
import { deviceHref } from "./device_href.ts";

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

Deno.test("A device's page and its stream work for any id", async () => {
  for (const deviceId of hostileIds) {
    await using t = frontendApp();
    t.backend.addDevice({ deviceId, firmware: "1.2.3" });
    t.backend.addReading(deviceId, nowSeconds);
    const { events } = await openLive(t, [await pageView(t, deviceHref(deviceId))]);
    assert.match((await nextWith(events, "1.2.3")).html, /hx-target="#facts"/);
    t.backend.addReading(deviceId, nowSeconds + 1, { temperature: 33.3 });
    assert.match((await nextWith(events, "33.3")).html, /hx-swap="afterbegin"/);
    await events.return(undefined);
  }
});

Deno.test("A viewer who connects again gets exactly the readings that it missed", async () => {
  await using t = frontendApp();
  t.backend.addDevice({ deviceId: "a" });
  for (let i = 0; i < 60; i++) t.backend.addReading("a", nowSeconds + 10 * i);
  const view = await pageView(t, "/devices/a");
  const { events: before } = await openLive(t, [view]);
  t.backend.addReading("a", nowSeconds + 600, { temperature: 1 });
  const { after } = await nextWith(before, "1.0\u00a0°C");
  await before.return(undefined);

  t.backend.addReading("a", nowSeconds + 610, { temperature: 2 });
  t.backend.addReading("a", nowSeconds + 585, { temperature: 3 });
  const { events } = await openLive(t, [{ ...view, after }]);
  const missed = (await nextWith(events, "#reading-rows")).html;
  assert.equal(missed.match(/<tr /g)?.length, 2);
  assert.match(
    missed,
    /afterbegin"><tr[^]*2\.0[^]*hx-target="#r-[0-9a-f]+" hx-swap="afterend"><tr[^]*3\.0/,
  );
  await events.return(undefined);
});

Deno.test("A table that grew by 200 rows is cut back to a page", async () => {
  await using t = frontendApp();
  t.backend.addDevice({ deviceId: "a" });
  t.backend.addReading("a", nowSeconds);
  const { events } = await openLive(t, [{ readings: "a", after: "0." }]);
  for (let i = 1; i <= 240; i++) {
    t.backend.addReading("a", nowSeconds + i, { temperature: i / 10 });
    const { html, after } = await nextWith(events, `${(i / 10).toFixed(1)}\u00a0°C`);
    if (i > 1 && html.includes('hx-target="#readings"')) {
      assert.equal(html.match(/<tr id/g)?.length, 50);
      assert.ok(i >= 200);
      assert.match(after!, /^0\./);
      await events.return(undefined);
      return;
    }
  }
  assert.fail("never cut back");
});
