import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { freePort } from "../tools/services/free_port.ts";
import { BrowserPages, browserTest, indicator } from "./support/browser_pages.ts";
import { chromiumPath } from "./support/chromium.ts";
import { startTask } from "./support/task_process.ts";
import { waitUntil } from "./support/wait_until.ts";

const stale = "html[data-stale]";
const fresh = "html:not([data-stale])";

function nowSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}

/** A device that reports every `interval` seconds, the last time `ago` seconds ago. */
function addDevice({ fake }: BrowserPages, deviceId: string, ago: number, interval: number): void {
  fake.addDevice({ deviceId });
  for (let i = 0; i < 5; i++) fake.addReading(deviceId, nowSeconds() - ago - i * interval);
}

/** What the page says of how live it is, on one line. */
async function words(page: Page): Promise<string> {
  return (await page.locator("#live-indicator").innerText()).replaceAll(/\s+/g, " ");
}

browserTest("Eight tabs of one browser are live over one stream", async (pages) => {
  const ids = ["a", "b", "c", "d", "e", "f"];
  for (const deviceId of ids) addDevice(pages, deviceId, 1, 5);
  const tabs = [await pages.visit("/devices")];
  for (const path of ["/devices", ...ids.map((id) => `/devices/${id}`)]) {
    tabs.push(await pages.visit(path, { beside: tabs[0]! }));
  }
  for (const tab of tabs) await tab.waitForSelector(indicator("live"));
  // A stream that another takes the place of may end a moment later.
  await waitUntil(
    async () => await pages.metric("live_views") === 8 && await pages.metric("live_streams") === 1,
    { what: "eight views over one stream" },
  );
  for (const deviceId of ids) pages.fake.addReading(deviceId, nowSeconds(), { temperature: 42.4 });
  for (const tab of tabs) await tab.waitForSelector("text=42.4");
  for (const tab of tabs.slice(1)) await tab.close();
  await waitUntil(async () => await pages.metric("live_views") === 1, {
    what: "the views of closed tabs to end",
  });
  pages.fake.addReading("a", nowSeconds(), { temperature: 13.7 });
  await tabs[0]!.waitForSelector("text=13.7");
});

browserTest("A tab is live where workers cannot be shared", async (pages) => {
  addDevice(pages, "a", 1, 5);
  const page = await pages.visit("/devices/a", {
    before: (page) => page.addInitScript("delete globalThis.SharedWorker"),
  });
  await page.waitForSelector(indicator("live"));
  pages.fake.addReading("a", nowSeconds(), { temperature: 42.4 });
  await page.waitForSelector("text=42.4");
});

browserTest("With the backend down a page dims, and tells how old it is", async (pages) => {
  addDevice(pages, "usual", 0, 600);
  addDevice(pages, "quiet", 10_000, 600);
  const page = await pages.visit("/devices");
  await page.waitForSelector(indicator("live"));
  await pages.backend.stop();
  await page.waitForSelector(indicator("lost"));
  await page.waitForSelector(stale);
  assert.match(await words(page), /^Backend down · no news for \d+ (s|min)$/);
  assert.deepEqual(await page.locator(".state").allInnerTexts(), ["Was silent", "Was online"]);
  // Time goes on, for what is shown as well.
  const row = page.locator("tr:has-text('usual')");
  const [shown, said] = [await row.innerText(), await words(page)];
  await waitUntil(
    async () => await row.innerText() !== shown && await words(page) !== said,
    { what: "the ages to grow" },
  );
  assert.match(await words(page), /^Backend down · no news for \d+ (s|min)$/);

  pages.backend.start();
  pages.fake.addReading("usual", nowSeconds());
  await page.waitForSelector(indicator("live"));
  await page.waitForSelector(fresh);
  await page.waitForSelector("tr:has-text('usual') >> text=Online");
});

browserTest("A device falls silent before one's eyes, by its own interval", async (pages) => {
  addDevice(pages, "slow", 1_200, 600);
  let page: Page;
  let visits = 0;
  do {
    // On a busy machine it may have fallen silent before the page was there.
    pages.fake.readings.delete("fast");
    addDevice(pages, "fast", 0, 5);
    page = await pages.visit("/devices");
  } while (await page.locator("tr:has-text('fast') >> .online").count() === 0 && ++visits < 20);
  assert.ok(visits < 20, "never online");
  await page.waitForSelector("tr:has-text('fast') >> .silent");
  assert.deepEqual(await page.locator(".state").allInnerTexts(), ["Silent", "Online"]);
});

browserTest("A browser whose clock is off shows the true ages", async (pages) => {
  addDevice(pages, "a", 0, 5);
  addDevice(pages, "b", 7_300, 5);
  for (const offByMs of [-3 * 86_400_000, 86_400_000]) {
    const page = await pages.visit("/devices", {
      before: (page) => page.clock.install({ time: Date.now() + offByMs }),
    });
    await page.waitForSelector(indicator("live"));
    await page.waitForSelector("tr:has-text('b') >> text=2 hours ago");
    assert.match(await page.locator("time").first().innerText(), /just now|(seconds|minutes?) ago/);
    // Set while the page is open: the server's next word puts that right.
    await page.clock.setSystemTime(Date.now() + offByMs + 5 * 3_600_000);
    pages.fake.addReading("a", nowSeconds(), { temperature: 42.4 });
    await page.waitForSelector("text=42.4");
    await page.waitForSelector(`${fresh} ${indicator("live")}`);
    await page.waitForSelector("tr:has-text('b') >> text=2 hours ago");
  }
});

browserTest("A page beyond what may be live says so, and is read all the same", async (pages) => {
  addDevice(pages, "a", 1, 5);
  const body = JSON.stringify({ views: Array.from({ length: 20 }, () => ({ devices: "" })) });
  const headers = { "content-type": "application/json" };
  const others = await fetch(`${pages.origin}/live`, { method: "POST", headers, body });
  assert.equal(others.status, 200);
  const page = await pages.visit("/devices");
  await page.waitForSelector(indicator("lost"));
  assert.match(await words(page), /^Too many live pages/);
  assert.equal(await page.locator("tbody tr").count(), 1);
  await others.body!.cancel();
  await page.waitForSelector(indicator("live"));
  // The browser itself notes the status of what it was refused.
  for (const complaint of pages.complaints.splice(0)) assert.match(complaint, /429/);
});

/** A frontend as a process of its own, which can be frozen, killed and started again. */
async function ownProcess() {
  const port = freePort();
  const start = async (backend: URL) => {
    const args = [`--http-port=${port}`, "--host=127.0.0.1", `--backend-url=${backend.host}`];
    const task = startTask("frontend", { args });
    await task.printed(/Serving pages/);
    return task;
  };
  const running: { task?: Awaited<ReturnType<typeof start>> } = {};
  const pages = await BrowserPages.open(async (backend) => {
    running.task = await start(backend);
    return {
      origin: `http://127.0.0.1:${port}`,
      [Symbol.asyncDispose]: () => running.task![Symbol.asyncDispose](),
    };
  });
  return {
    pages,
    kill: (signal: Deno.Signal) => running.task!.kill(signal),
    async restart() {
      await running.task![Symbol.asyncDispose]();
      running.task = await start(pages.backend.url);
    },
    [Symbol.asyncDispose]: () => pages[Symbol.asyncDispose](),
  };
}

Deno.test({
  name: "A page says within seconds that its server is frozen, and goes on with it",
  ignore: chromiumPath === undefined,
  async fn() {
    await using frontend = await ownProcess();
    const { pages } = frontend;
    addDevice(pages, "a", 0, 600);
    const page = await pages.visit("/devices");
    await page.waitForSelector(indicator("live"));
    frontend.kill("SIGSTOP");
    await page.waitForSelector(`${stale} ${indicator("stale")}`);
    assert.match(await words(page), /^No news for \d+ (s|min)$/);
    assert.deepEqual(await page.locator(".state").allInnerTexts(), ["Was online"]);
    frontend.kill("SIGCONT");
    await page.waitForSelector(`${fresh} ${indicator("live")}`);
    pages.fake.addReading("a", nowSeconds(), { temperature: 42.4 });
    await page.waitForSelector("text=42.4");
    pages.complaints.splice(0);
  },
});

Deno.test({
  name: "After a restart nothing is called live before it is",
  ignore: chromiumPath === undefined,
  async fn() {
    await using frontend = await ownProcess();
    const { pages } = frontend;
    addDevice(pages, "a", 0, 5);
    const page = await pages.visit("/devices/a");
    await page.waitForSelector(indicator("live"));
    await pages.backend.stop();
    await page.waitForSelector(indicator("lost"));
    await page.evaluate(`
      globalThis.states = [];
      const indicator = document.getElementById("live-indicator");
      new MutationObserver(() => states.push(indicator.dataset.state))
        .observe(indicator, { attributes: true });
    `);
    await frontend.restart();
    // The new process has told the page, which it could not have from the old one's word.
    await waitUntil(async () => await pages.metric("live_views") === 1, { what: "the page" });
    await page.waitForSelector(indicator("lost"));
    assert.ok(!(await page.evaluate<string[]>("states")).includes("live"));
    pages.fake.addReading("a", nowSeconds(), { temperature: 42.4 });
    pages.backend.start();
    await page.waitForSelector("text=42.4");
    await page.waitForSelector(`${fresh} ${indicator("live")}`);
    pages.complaints.splice(0);
  },
});
