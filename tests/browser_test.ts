import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { browserTest, indicator } from "./support/browser_pages.ts";
import { waitUntil } from "./support/wait_until.ts";

const hostileIds = [
  `<script>window.hacked=1</script>`,
  `a/b%2F?x#y"'`,
  "..",
  "live",
  "مستشعر-١",
  "🌡️",
];

/** Marks the document, so that `unreloaded` can tell whether it was ever replaced. */
async function mark(page: Page): Promise<void> {
  await page.evaluate("window.sameDocument = true");
}

function unreloaded(page: Page): Promise<unknown> {
  return page.evaluate("window.sameDocument === true");
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}

browserTest(
  "The device list shows devices, and new values and devices without a reload",
  async (pages) => {
    pages.fake.addDevice({ deviceId: "first", location: "Oslo" });
    const page = await pages.visit("/devices");
    await page.waitForSelector(indicator("live"));
    await mark(page);
    pages.fake.addReading("first", nowSeconds(), { temperature: -12.3 });
    await page.waitForSelector("text=−12.3");
    pages.fake.addDevice({ deviceId: "second" });
    await page.waitForSelector("text=second");
    assert.equal(await unreloaded(page), true);
  },
);

browserTest("An empty list says so, and fills by itself", async (pages) => {
  const page = await pages.visit("/devices");
  await page.waitForSelector("text=No devices yet");
  await mark(page);
  pages.fake.addDevice({ deviceId: "first" });
  await page.waitForSelector("table >> text=first");
  assert.equal(await unreloaded(page), true);
});

browserTest(
  "New readings go on top of a device's page, also after older ones were loaded",
  async (pages) => {
    pages.fake.addDevice({ deviceId: "a" });
    for (let i = 0; i < 120; i++) pages.fake.addReading("a", nowSeconds() - 200 + i);
    const page = await pages.visit("/devices/a");
    await page.waitForSelector(indicator("live"));
    await mark(page);
    const rows = page.locator("#reading-rows tr");
    for (const expected of [50, 100, 120]) {
      assert.equal(await rows.count(), expected);
      if (expected === 120) break;
      await page.click("text=Load more");
      await page.waitForSelector(`#reading-rows tr:nth-child(${expected + 1})`);
    }
    await page.waitForSelector("text=These are all the readings");
    pages.fake.addReading("a", nowSeconds(), { temperature: 42.4 });
    await page.waitForSelector("#reading-rows tr:first-child >> text=42.4");
    assert.equal(await rows.count(), 121);
    assert.equal(await unreloaded(page), true);
  },
);

browserTest("Without scripts, Load more is a link to the next page", async (pages) => {
  pages.fake.addDevice({ deviceId: "a" });
  for (let i = 0; i < 70; i++) pages.fake.addReading("a", nowSeconds() - i);
  const page = await pages.visit("/devices/a", { javaScriptEnabled: false });
  await page.click("text=Load more");
  await page.waitForSelector("text=Older readings");
  assert.equal(await page.locator("#reading-rows tr").count(), 20);
});

browserTest("Any device id is shown as it is, linked, and live", async (pages) => {
  for (const deviceId of hostileIds) pages.fake.addDevice({ deviceId });
  const list = await pages.visit("/devices", { width: 375 });
  assert.deepEqual((await list.locator("tbody th").allInnerTexts()).sort(), [...hostileIds].sort());
  for (const deviceId of hostileIds) {
    const page = await pages.visit("/devices", { width: 375 });
    await page.getByRole("link", { name: deviceId, exact: true }).click();
    await page.waitForSelector(indicator("live"));
    assert.equal(await page.locator("h1").innerText(), deviceId);
    pages.fake.addReading(deviceId, nowSeconds(), { temperature: 31.7 });
    await page.waitForSelector("text=31.7");
    assert.equal(await page.evaluate("window.hacked"), undefined);
    const overflow = "document.documentElement.scrollWidth > document.documentElement.clientWidth";
    assert.equal(await page.evaluate(overflow), false);
    await page.close();
  }
});

browserTest(
  "An open page says that the backend is down, and goes on when it is back",
  async (pages) => {
    pages.fake.addDevice({ deviceId: "a" });
    const page = await pages.visit("/devices/a");
    await page.waitForSelector(indicator("live"));
    await mark(page);
    await pages.backend.stop();
    await page.waitForSelector(indicator("lost"));
    pages.fake.addReading("a", nowSeconds(), { temperature: 42.4 });
    pages.backend.start();
    await page.waitForSelector("text=42.4");
    await page.waitForSelector(indicator("live"));
    assert.equal(await unreloaded(page), true);
  },
);

browserTest(
  "A page asked for while the backend is down shows up when it is back",
  async (pages) => {
    pages.fake.addDevice({ deviceId: "a" });
    await pages.backend.stop();
    const page = await pages.visit("/devices");
    await page.waitForSelector("text=The backend is not answering");
    // The browser itself notes the status of the page.
    assert.match(pages.complaints.splice(0).join(), /^Failed to load resource: [^,]*503/);
    await mark(page);
    pages.backend.start();
    await page.waitForSelector("table >> text=a");
    await page.waitForSelector(indicator("live"));
    assert.equal(await page.title(), "Devices · demo-app");
    assert.equal(await unreloaded(page), true);
  },
);

browserTest(
  "A stream that breaks off is taken up again, missing and doubling nothing",
  async (pages) => {
    pages.fake.addDevice({ deviceId: "a" });
    pages.fake.addReading("a", nowSeconds() - 100, { temperature: 1 });
    const page = await pages.visit("/devices/a");
    await page.waitForSelector(indicator("live"));
    const hide = (hidden: boolean) =>
      page.evaluate(
        `Object.defineProperty(document, "hidden", { value: ${hidden}, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"))`,
      );
    await hide(true);
    await waitUntil(async () => await pages.metric("live_views") === 0, {
      what: "the stream of a hidden tab to end",
    });
    for (const i of [2, 3]) pages.fake.addReading("a", nowSeconds() - 100 + i, { temperature: i });
    await hide(false);
    await page.waitForSelector("text=3.0");
    assert.deepEqual(
      await page.locator("#reading-rows td:nth-child(2)").allInnerTexts(),
      ["3.0\u00a0°C", "2.0\u00a0°C", "1.0\u00a0°C"],
    );
  },
);
