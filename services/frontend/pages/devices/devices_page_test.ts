import assert from "node:assert/strict";
import {
  frontendApp,
  nowSeconds,
  openLive,
  pageView,
} from "../../../../tests/support/frontend_app.ts";
import { hostileIds } from "../../../../tests/support/hostile_ids.ts";
import { nextEvent, nextWith } from "../../../../tests/support/live_stream.ts";

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

Deno.test("The list's stream brings only the rows that changed, and nothing to who shows it", async () => {
  await using t = frontendApp();
  for (const deviceId of ["a", "b", "c"]) t.backend.addDevice({ deviceId });
  const { events } = await openLive(t, [await pageView(t, "/devices")]);
  await nextEvent(events, ({ asOf }) => asOf?.[0] !== null && asOf !== undefined);
  t.backend.addReading("b", nowSeconds, { temperature: 12.3 });
  const changed = await nextEvent(events, ({ type }) => type === "frame");
  assert.equal(changed.html!.match(/<hx-partial/g)?.length, 1);
  assert.match(changed.html!, /hx-swap="outerMorph"><tr id="d-[^]*12\.3/);
  t.backend.addDevice({ deviceId: "d" });
  assert.match((await nextWith(events, ">d<")).html, /hx-target="#devices"/);
  await events.return(undefined);

  const { events: again } = await openLive(t, [{ devices: "", after: changed.after }]);
  assert.match((await nextWith(again, ">d<")).html, /hx-target="#devices" hx-swap="innerMorph"/);
  await again.return(undefined);
});
