import { defineCommand } from "#shared/command/define_command.ts";
import { runCommandLine } from "#shared/command/run_command_line.ts";
import type { RunContext } from "#shared/command/run_context.ts";
import { serveHttp } from "#shared/http/http_server.ts";
import { warnIfOpen } from "#shared/http/warn_if_open.ts";
import { aborted } from "#shared/lifecycle/aborted.ts";
import { createApp } from "./app.tsx";
import { type FrontendConfig, frontendSettings } from "./config.ts";
import { LivePoller } from "./live/live_poller.ts";
import { PollGate } from "./live/poll_gate.ts";
import { ViewBudget } from "./live/view_budget.ts";
import { connectBackend } from "./queries/backend_client.ts";
import { isAway } from "./queries/is_away.ts";
import { createFrontendMetrics } from "./serving/frontend_metrics.ts";

/** Pause between two polls of what open pages show. */
const pollIntervalMs = 1_000;
/** Polls under way at once: far fewer queries than the backend runs at a time. */
const pollsAtOnce = 4;

/**
 * Serves the pages until `signal` is aborted. Closed in reverse: the live
 * streams end, the server finishes the requests in hand, the backend's
 * connections close.
 */
export async function runFrontend(
  config: FrontendConfig,
  { log, signal, onReady }: RunContext,
): Promise<void> {
  await using open = new AsyncDisposableStack();
  const { iot } = open.use(connectBackend(config.backendUrl));
  // The next poll is a try again.
  const { iot: polls } = open.use(connectBackend(config.backendUrl, "one"));
  const gate = new PollGate({ atOnce: pollsAtOnce, away: isAway });
  const poller = new LivePoller({ intervalMs: pollIntervalMs, gate });
  const metrics = createFrontendMetrics();
  const budget = new ViewBudget({
    max: config.maxLiveViews,
    maxPerClient: config.maxLiveViewsPerClient,
    gauge: metrics.liveViews,
  });
  const app = createApp({ iot, polls, poller, budget, metrics, log });
  const server = open.use(serveHttp({
    host: config.host,
    port: config.httpPort,
    portKey: "frontend.http_port",
    fetch: app.fetch,
  }));
  open.use(poller);
  warnIfOpen(config.host, log);
  log.info("Serving pages", { url: server.url, backend: config.backendUrl.host });
  onReady?.({ pages: `${server.url}/devices` });
  await aborted(signal);
}

export const frontendCommand = defineCommand({
  name: "frontend",
  summary: "Serves the web pages.",
  sections: frontendSettings,
  run: ({ frontend }, context) => runFrontend(frontend, context),
});

if (import.meta.main) await runCommandLine(frontendCommand.build(), Deno.args);
