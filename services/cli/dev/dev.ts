import process from "node:process";
import { MemoryQueues } from "#shared/broker/memory/memory_queues.ts";
import { defineCommand } from "#shared/command/define_command.ts";
import type { RunContext } from "#shared/command/run_context.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import type { ConfigOf } from "#shared/config/setting.ts";
import { withDefaults } from "#shared/config/with_defaults.ts";
import { aborted } from "#shared/lifecycle/aborted.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { sleep } from "#shared/lifecycle/sleep.ts";
import { backendSettings } from "../../backend/config.ts";
import { runBackend } from "../../backend/main.ts";
import { frontendSettings } from "../../frontend/config.ts";
import { runFrontend } from "../../frontend/main.ts";
import { generatorSettings } from "../../generator/config.ts";
import { runGenerator } from "../../generator/main.ts";

const { backend_url: backendUrl, ...frontendOwn } = frontendSettings.frontend;

/** All three services' settings, for one process, an embedded database and an in-process queue. */
const devSettings = withDefaults({
  log: logSettings,
  generator: generatorSettings.generator,
  backend: backendSettings.backend,
  frontend: frontendOwn,
}, {
  "generator.rabbitmq_url": "memory://",
  "backend.rabbitmq.url": "memory://",
  "backend.db.url": "pglite://.data/pglite",
});

type DevConfig = ConfigOf<typeof devSettings>;

/** A service of this process: when it is ready, when it has ended, and how to stop it. */
interface Started {
  readonly ready: Promise<Readonly<Record<string, string>>>;
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** Longest that the queue may take to run dry once the generator has stopped, in milliseconds. */
const dryMs = 5_000;

/**
 * Runs the three services in this process until `signal` is aborted. They stop
 * in the order of the data, so that what was generated is stored first.
 */
export async function runDev(
  config: DevConfig,
  { log, signal, onReady, terminal }: RunContext,
): Promise<void> {
  const { generator, backend, frontend } = config;
  if (
    (generator.rabbitmqUrl.protocol === "memory:") !== (backend.rabbitmq.url.protocol === "memory:")
  ) {
    throw new ExitError(
      "Cannot start dev: generator.rabbitmq_url and backend.rabbitmq.url name different brokers",
    );
  }
  const memoryQueues = new MemoryQueues();
  await using services = new AsyncDisposableStack();
  const started: Started[] = [];
  const start = async (name: string, run: (context: RunContext) => Promise<void>) => {
    const service = startService(run, { log: log.getChild(name), signal, memoryQueues, terminal });
    started.push(service);
    services.defer(() => service.stop());
    return await Promise.race([
      service.ready,
      service.ended.then(() => ({} as Record<string, string>)),
    ]);
  };

  const { api, admin: backendAdmin } = await start(
    "backend",
    (context) => runBackend(backend, context),
  );
  if (signal.aborted) return;
  const backendUrl = new URL(api!);
  const { pages } = await start(
    "frontend",
    (context) => runFrontend({ ...frontend, backendUrl }, context),
  );
  services.defer(() => runDry(memoryQueues));
  const { admin: generatorAdmin } = await start(
    "generator",
    (context) => runGenerator(generator, context),
  );
  if (signal.aborted) return;

  const addresses = {
    pages: pages!,
    api: api!,
    backendAdmin: backendAdmin!,
    generatorAdmin: generatorAdmin!,
    frontendAdmin: new URL(pages!).origin,
  };
  onReady?.(addresses);
  // A run that has its last reading published leaves its pages to be looked at.
  const endless = started.map(async ({ ended }, at) => {
    await ended;
    if (at === started.length - 1 && generator.count > 0) await aborted(signal);
  });
  await Promise.race([aborted(signal), ...endless]);
}

/**
 * Starts a service under a signal of its own. It stops when told, in its turn;
 * the signal of the whole reaches it only while it is still starting.
 */
function startService(
  run: (context: RunContext) => Promise<void>,
  context: RunContext,
): Started {
  const controller = new AbortController();
  const ready = Promise.withResolvers<Readonly<Record<string, string>>>();
  const whileStarting = () => controller.abort(context.signal.reason);
  context.signal.addEventListener("abort", whileStarting, { once: true });
  if (context.signal.aborted) whileStarting();
  const ended = run({
    ...context,
    signal: controller.signal,
    onReady(addresses) {
      context.signal.removeEventListener("abort", whileStarting);
      ready.resolve(addresses);
    },
  });
  // Whoever waits for the end hears of a failure; nobody may be waiting yet.
  ended.catch(() => {});
  return {
    ready: ready.promise,
    ended,
    async stop() {
      controller.abort(new Error("told to stop"));
      await ended.catch(() => {});
    },
  };
}

/** Resolves once nothing waits for its consumer, or after 5 s. */
async function runDry(queues: MemoryQueues): Promise<void> {
  const deadline = Date.now() + dryMs;
  while (queues.awaited > 0 && Date.now() < deadline) await sleep(10);
}

export const devCommand = defineCommand({
  name: "dev",
  summary: "Runs all three services in this process, on an embedded database and queue.",
  sections: devSettings,
  unused: { frontend: { backend_url: backendUrl } },
  run: (config, context) => runDev(config, { ...context, onReady: announce }),
});

function announce(addresses: Readonly<Record<string, string>>): void {
  const { pages, api, backendAdmin, generatorAdmin, frontendAdmin } = addresses;
  process.stdout.write(`
  The pipeline is running. Ctrl-C stops it; its data is kept.

    Pages     ${pages}
    API       ${api}  (gRPC, gRPC-Web and Connect)
    Metrics   ${backendAdmin}/metrics  ${generatorAdmin}/metrics  ${frontendAdmin}/metrics

`);
}
