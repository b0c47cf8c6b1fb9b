import { deadLetterQueue } from "#shared/broker/broker.ts";
import { openBroker } from "#shared/broker/open_broker.ts";
import { aborted } from "#shared/lifecycle/aborted.ts";
import { ClosedTogether } from "#shared/lifecycle/closed_together.ts";
import { defineCommand, runCommandLine } from "#shared/command/command_line.ts";
import type { RunContext } from "#shared/command/run_context.ts";
import { adminApp } from "#shared/observability/admin_app.ts";
import { serveHttp } from "#shared/observability/http_server.ts";
import { createRegistry } from "#shared/observability/runtime_metrics.ts";
import { warnIfOpen } from "#shared/observability/warn_if_open.ts";
import { iotService, translateStoreError } from "./api/iot_service.ts";
import { serveApi } from "./api/serve_api.ts";
import { checkConfig } from "./check_config.ts";
import { type BackendConfig, backendSettings } from "./config.ts";
import { ingestDevices } from "./ingest/ingest_devices.ts";
import { createIngestMetrics } from "./ingest/ingest_metrics.ts";
import { ingestReadings } from "./ingest/ingest_readings.ts";
import { LastSeen } from "./ingest/last_seen.ts";
import { sweepParked } from "./ingest/sweep_parked.ts";
import { migrateToLatest } from "./store/migrate.ts";
import { openDatabase } from "./store/open_database.ts";
import { releaseParked } from "./store/release_parked.ts";
import { touchDevices } from "./store/touch_devices.ts";
import { waitForDatabase } from "./store/wait_for_database.ts";

const releaseLimit = 10_000;

/**
 * Persists what the queues bring and answers queries, until `signal` is
 * aborted. Closed in reverse, in three steps: what takes messages and calls,
 * and settles those in hand; what that writes through; the database. Even
 * where neither broker nor database answers, that takes less than 10 s.
 */
export async function runBackend(config: BackendConfig, context: RunContext): Promise<void> {
  checkConfig(config);
  const { log, signal } = context;
  const { host, rabbitmq, ingest } = config;
  await using open = new AsyncDisposableStack();
  const registry = createRegistry("backend");
  const metrics = createIngestMetrics(registry);

  const broker = open.use(openBroker({
    url: rabbitmq.url,
    queues: { durable: rabbitmq.queueDurable, type: rabbitmq.queueType },
    log,
    signal,
    memoryQueues: context.memoryQueues,
  }));
  const database = open.use(await openDatabase(config.db, log));
  const { db } = database;
  const outlets = open.use(new ClosedTogether());
  const intake = open.use(new ClosedTogether());
  const checks = { broker: () => broker.ready, database: () => database.answers() };
  const admin = intake.use(serveHttp({
    host,
    port: config.metricsPort,
    portKey: "backend.metrics_port",
    fetch: adminApp({ registry, checks }).fetch,
  }));
  warnIfOpen(host, log);

  // Migrations that are applied are passed over.
  await waitForDatabase(() => migrateToLatest(db, log), config.db, log, signal);
  const api = intake.use(
    await serveApi({
      host,
      port: config.grpcPort,
      portKey: "backend.grpc_port",
      routes: iotService(db),
      health: { ready: checks.database },
      translate: translateStoreError,
      registry,
      log,
    }),
  );

  const lastSeen = outlets.use(
    new LastSeen({
      touch: (seen) => touchDevices(db, seen),
      intervalMs: ingest.lastSeenIntervalMs,
      log,
    }),
  );
  intake.use(sweepParked({
    async release() {
      const released = await releaseParked(db, releaseLimit);
      let total = 0;
      for (const { deviceId, count, stored, newestMicros } of released) {
        lastSeen.note(deviceId, newestMicros);
        metrics.released.inc(count);
        metrics.duplicates.inc(count - stored);
        total += count;
      }
      return total;
    },
    intervalMs: ingest.sweepIntervalMs,
    log,
  }));
  const deadLetters = outlets.use(
    await broker.openPublisher({
      queues: [deadLetterQueue(rabbitmq.deviceQueue), deadLetterQueue(rabbitmq.sensorQueue)],
      // No more than are in hand, by the prefetch of both queues.
      maxUnconfirmed: 2 * rabbitmq.prefetch,
    }),
  );
  const consuming = {
    db,
    broker,
    deadLetters,
    lastSeen,
    metrics,
    log,
    prefetch: rabbitmq.prefetch,
    maxRows: ingest.batchSize,
    maxWaitMs: ingest.batchWaitMs,
    writers: ingest.writers,
  };
  // Parked readings are released in the batch that registers their devices, so one writer: two
  // would only meet in the same rows.
  intake.use(await ingestDevices({ ...consuming, queue: rabbitmq.deviceQueue, writers: 1 }));
  intake.use(await ingestReadings({ ...consuming, queue: rabbitmq.sensorQueue }));

  log.info("Backend is ready", { api: api.url, metrics: `${admin.url}/metrics` });
  context.onReady?.({ api: api.url, admin: admin.url });
  await Promise.race([aborted(signal), database.broken]);
  log.info("Backend is stopping");
}

export const backendCommand = defineCommand({
  name: "backend",
  summary: "Persists devices and readings, and answers queries by gRPC and Connect.",
  sections: backendSettings,
  run: ({ backend }, context) => runBackend(backend, context),
});

if (import.meta.main) await runCommandLine(backendCommand("backend"), Deno.args);
