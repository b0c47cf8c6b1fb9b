import { type Browser, chromium } from "playwright-core";
import { surelyBrokenMs } from "./wait_until.ts";

/**
 * A Chromium for browser tests, as `deno task test` found it; undefined where
 * there is none. Tests that need it are ignored then:
 * `Deno.test({ ignore: chromiumPath === undefined, … })`.
 */
export const chromiumPath: string | undefined = Deno.env.get("TEST_CHROMIUM");

/** Starts it without a window, and without any traffic of its own. */
export async function launchChromium(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error("TEST_CHROMIUM is not set");
  return await chromium.launch({
    executablePath: chromiumPath,
    timeout: surelyBrokenMs,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
  });
}
