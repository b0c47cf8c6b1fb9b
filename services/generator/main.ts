import type { Logger } from "@logtape/logtape";
import { checkQueueSettings } from "#shared/broker/check_queue_settings.ts";
import { openBroker } from "#shared/broker/open_broker.ts";
import type { Broker, QueueOptions } from "#shared/broker/port/broker.ts";
import { defineCommand } from "#shared/command/define_command.ts";
import { showProgress } from "#shared/command/progress.ts";
import { runCommandLine } from "#shared/command/run_command_line.ts";
import type { RunContext } from "#shared/command/run_context.ts";
import { adminApp } from "#shared/http/admin_app.ts";
import { serveHttp } from "#shared/http/http_server.ts";
import { warnIfOpen } from "#shared/http/warn_if_open.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { createRegistry } from "#shared/observability/runtime_metrics.ts";
import { type GeneratorConfig, generatorSettings } from "./config.ts";
import { Fleet } from "./fleet/fleet.ts";
import { createGeneratorMetrics } from "./metrics.ts";
import { systemClock } from "./publish/clock.ts";
import { Producer } from "./publish/producer.ts";
import { planRun } from "./run/plan_run.ts";
import { recordRun } from "./run/run_record.ts";

/**
 * Publishes a simulated fleet's devices and readings until the run's last is
 * confirmed, if it has one, or `signal` is aborted.
 *
 * @throws {ExitError} if the port is taken, the manifest can't be written or is another
 *   run's, or no retry can make a producer work.
 */
export async function runGenerator(
  config: GeneratorConfig,
  { log, signal, onReady, memoryQueues, terminal }: RunContext,
): Promise<void> {
  const queues: QueueOptions = { durable: config.queueDurable, type: config.queueType };
  checkQueueSettings("generator", "generator", queues);
  await using open = new AsyncDisposableStack();
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  // A producer without a device would have nothing to do.
  const shares = Math.min(config.producerCount, config.numDevices);
  const brokers: Broker[] = [];
  const producers: Producer[] = [];

  const registry = createRegistry("generator");
  const metrics = createGeneratorMetrics(registry, producers);
  const connected = () => producers.length === shares && brokers.every(({ ready }) => ready);
  const admin = open.use(serveHttp({
    host: config.host,
    port: config.metricsPort,
    portKey: "generator.metrics_port",
    fetch: adminApp({ registry, dependencies: { broker: connected } }).fetch,
  }));

  warnIfOpen(config.host, log);

  const { manifest, fromUs } = await planRun(config, systemClock.nowUs());
  if (config.manifest !== undefined) {
    open.use(
      await recordRun({
        path: config.manifest,
        manifest,
        confirmedUntilUs: () =>
          producers.length < shares
            ? undefined
            : Math.min(...producers.map((producer) => producer.confirmedUntilUs)),
        log,
      }),
    );
  }

  const runProducer = async (share: number): Promise<void> => {
    await using owned = new AsyncDisposableStack();
    const producerLog = log.with({ producer: share });
    const broker = owned.use(openBroker({
      url: config.rabbitmqUrl,
      queues,
      log: producerLog,
      signal: stop,
      memoryQueues,
    }));
    brokers.push(broker);
    const opened = await broker.openPublisher({
      queues: [config.deviceQueue, config.sensorQueue],
      maxUnconfirmed: config.maxUnconfirmed,
    }).catch((error: unknown) => {
      // A broker that was away until the stop has nothing to report.
      if (stop.aborted && !(error instanceof ExitError)) return undefined;
      throw error;
    });
    if (opened === undefined) return;
    const publisher = owned.use(opened);
    const producer = new Producer({
      publisher,
      maxUnconfirmed: config.maxUnconfirmed,
      fleet: new Fleet(config.seed),
      deviceQueue: config.deviceQueue,
      sensorQueue: config.sensorQueue,
      startUs: manifest.startUs,
      fromUs,
      intervalUs: manifest.intervalUs,
      count: manifest.count,
      devices: config.numDevices,
      share,
      shares,
      metrics,
      clock: systemClock,
      log: producerLog,
    });
    producers.push(producer);
    if (producers.length === shares) {
      logStart(log, config, shares);
      if (config.count > 0) {
        open.use(showProgress({
          title: "Publishing readings",
          total: config.count * config.numDevices,
          done: () => producers.reduce((sum, each) => sum + each.confirmedReadings, 0),
          terminal,
          log,
        }));
      }
      onReady?.({ admin: admin.url });
    }
    await producer.run(stop);
  };

  // One that cannot go on stops the others, which then settle what they sent.
  const runs = Array.from(
    { length: shares },
    (_, share) =>
      runProducer(share).catch((error: unknown) => {
        // A broker that was away until the stop has nothing to report.
        if (stop.aborted && !(error instanceof ExitError)) return;
        failed.abort(error);
        throw error;
      }),
  );
  await Promise.allSettled(runs);
  await Promise.all(runs);
}

function logStart(log: Logger, config: GeneratorConfig, producers: number): void {
  const { numDevices: devices, intervalMs, seed } = config;
  log.info("Publishing", { devices, intervalMs, producers, seed });
}

export const generatorCommand = defineCommand({
  name: "generator",
  summary: "Simulates a fleet of devices and publishes what they measure.",
  sections: generatorSettings,
  run: ({ generator }, context) => runGenerator(generator, context),
});

if (import.meta.main) await runCommandLine(generatorCommand.build(), Deno.args);
