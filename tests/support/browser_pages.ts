import { getLogger } from "@logtape/logtape";
import type { Browser, Page } from "playwright-core";
import { runFrontend } from "../../services/frontend/main.ts";
import { BrowserBackend } from "./browser_backend.ts";
import { launchChromium } from "./chromium.ts";
import { FakeBackend } from "./fake_backend.ts";

/** A real frontend before a backend that a test controls, seen through a real browser. */
export class BrowserPages implements AsyncDisposable {
  readonly fake: FakeBackend;
  readonly backend: BrowserBackend;
  /** Complaints of the browser: console errors, script errors, policy violations. */
  readonly complaints: string[] = [];
  readonly #browser: Browser;
  readonly #origin: string;
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
    this.#browser = browser;
    this.#origin = origin;
    this.#close = close;
  }

  static async open(): Promise<BrowserPages> {
    await using opening = new AsyncDisposableStack();
    const fake = new FakeBackend();
    const backend = opening.use(new BrowserBackend(fake));
    backend.start();

    const stop = new AbortController();
    const ready = Promise.withResolvers<string>();
    const running = runFrontend(
      {
        ...{ host: "127.0.0.1", httpPort: 0, backendUrl: backend.url },
        ...{ maxLiveViews: 100, maxLiveViewsPerClient: 100 },
      },
      {
        log: getLogger("test"),
        signal: stop.signal,
        onReady: ({ pages }) => ready.resolve(new URL(pages!).origin),
      },
    );
    opening.defer(async () => {
      stop.abort();
      await running;
    });
    const origin = await Promise.race([ready.promise, running.then(() => "")]);

    const browser = await launchChromium();
    opening.defer(() => browser.close());
    const opened = opening.move();
    return new BrowserPages(fake, backend, browser, origin, () => opened.disposeAsync());
  }

  /** A tab at `path`, in a session of its own. */
  async visit(
    path: string,
    options: { readonly javaScriptEnabled?: boolean; readonly width?: number } = {},
  ): Promise<Page> {
    const { width = 1280, javaScriptEnabled = true } = options;
    const context = await this.#browser.newContext({
      javaScriptEnabled,
      viewport: { width, height: 800 },
    });
    context.setDefaultTimeout(20_000);
    const page = await context.newPage();
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    await page.goto(this.#origin + path);
    return page;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }
}
