import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import type { Browser, Page } from "playwright-core";
import { runFrontend } from "../../services/frontend/main.ts";
import { BrowserBackend } from "./browser_backend.ts";
import { chromiumPath, launchChromium } from "./chromium.ts";
import { FakeBackend } from "./fake_backend.ts";
import { surelyBrokenMs } from "./wait_until.ts";

/** A running frontend, and how it is stopped. */
interface RunningFrontend extends AsyncDisposable {
  readonly origin: string;
}

const bounds = { maxLiveViews: 20, maxLiveViewsPerClient: 20 };

/** The frontend, in this process. */
async function startFrontend(backendUrl: URL): Promise<RunningFrontend> {
  const stop = new AbortController();
  const ready = Promise.withResolvers<string>();
  const running = runFrontend(
    { host: "127.0.0.1", httpPort: 0, backendUrl, ...bounds },
    {
      log: getLogger("test"),
      signal: stop.signal,
      onReady: ({ pages }) => ready.resolve(new URL(pages!).origin),
    },
  );
  const origin = await Promise.race([ready.promise, running.then(() => "")]);
  return {
    origin,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

export interface VisitOptions {
  readonly javaScriptEnabled?: boolean;
  readonly width?: number;
  /** What the page's own scripts find done. */
  readonly before?: (page: Page) => Promise<unknown>;
  /** A tab of the same browser session. */
  readonly beside?: Page;
}

/** A real frontend before a backend that a test controls, seen through a real browser. */
export class BrowserPages implements AsyncDisposable {
  readonly fake: FakeBackend;
  readonly backend: BrowserBackend;
  /** Complaints of the browser: console errors, script errors, policy violations. */
  readonly complaints: string[] = [];
  readonly origin: string;
  readonly #browser: Browser;
  readonly #close: () => Promise<void>;

  private constructor(
    fake: FakeBackend,
    backend: BrowserBackend,
    browser: Browser,
    origin: string,
    close: () => Promise<void>,
  ) {
    this.fake = fake;
    this.backend = backend;
    this.origin = origin;
    this.#browser = browser;
    this.#close = close;
  }

  /** With the frontend that `start` starts before the backend at a URL; in this process unless given. */
  static async open(
    start: (backend: URL) => Promise<RunningFrontend> = startFrontend,
  ): Promise<BrowserPages> {
    await using opening = new AsyncDisposableStack();
    const fake = new FakeBackend();
    const backend = opening.use(new BrowserBackend(fake));
    backend.start();
    const { origin } = opening.use(await start(backend.url));
    const browser = await launchChromium();
    opening.defer(() => browser.close());
    const opened = opening.move();
    return new BrowserPages(fake, backend, browser, origin, () => opened.disposeAsync());
  }

  /** What a metric of the frontend says. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.origin}/metrics`)).text();
    return Number(new RegExp(`^${name}\\{[^}]*\\} (.*)$`, "m").exec(text)?.[1] ?? NaN);
  }

  /** A tab at `path`, in a session of its own unless beside another. */
  async visit(path: string, options: VisitOptions = {}): Promise<Page> {
    const { width = 1280, javaScriptEnabled = true, before, beside } = options;
    const context = beside?.context() ?? await this.#browser.newContext({
      javaScriptEnabled,
      viewport: { width, height: 800 },
    });
    context.setDefaultTimeout(surelyBrokenMs);
    const page = await context.newPage();
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    await before?.(page);
    await page.goto(this.origin + path);
    return page;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }
}

/** A selector for the page's word on how live it is. */
export function indicator(state: "connecting" | "live" | "stale" | "lost"): string {
  return `#live-indicator[data-state="${state}"]`;
}

/** A test in a real browser, which has nothing to complain of; ignored where there is none. */
export function browserTest(
  name: string,
  run: (pages: BrowserPages) => Promise<void>,
  open: () => Promise<BrowserPages> = () => BrowserPages.open(),
): void {
  Deno.test({
    name,
    ignore: chromiumPath === undefined,
    async fn() {
      await using pages = await open();
      await run(pages);
      assert.deepEqual(pages.complaints, []);
    },
  });
}
