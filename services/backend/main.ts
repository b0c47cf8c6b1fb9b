import { openBroker } from "#shared/broker/open_broker.ts";
import { deadLetterQueue, type Publisher } from "#shared/broker/port/broker.ts";
import { defineCommand } from "#shared/command/define_command.ts";
import { runCommandLine } from "#shared/command/run_command_line.ts";
import type { RunContext } from "#shared/command/run_context.ts";
import { adminApp } from "#shared/http/admin_app.ts";
import { serveHttp } from "#shared/http/http_server.ts";
import { warnIfOpen } from "#shared/http/warn_if_open.ts";
import { aborted } from "#shared/lifecycle/aborted.ts";
import { ClosedTogether } from "#shared/lifecycle/closed_together.ts";
import { createRegistry } from "#shared/observability/runtime_metrics.ts";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { iotService, translateStoreError } from "./api/iot_service.ts";
import { mayArchive } from "./archive/may_archive.ts";
import { checkConfig } from "./check_config.ts";
import { type BackendConfig, backendSettings } from "./config.ts";
import { FutureWatch } from "./ingest/clocks/future_watch.ts";
import { LaterClock } from "./ingest/clocks/later_clock.ts";
import { watchClocks } from "./ingest/clocks/watch_clocks.ts";
import { consumeQueue } from "./ingest/consume_queue.ts";
import { deviceMessages } from "./ingest/device_messages.ts";
import { createIngestMetrics } from "./ingest/ingest_metrics.ts";
import { readingMessages } from "./ingest/reading_messages.ts";
import { compactHistoryJob } from "./jobs/compact_history.ts";
import { expireParkedJob } from "./jobs/expire_parked.ts";
import { countPacked } from "./jobs/history_metrics.ts";
import { LastSeen } from "./jobs/last_seen.ts";
import { makePartitionsJob } from "./jobs/make_partitions.ts";
import { measureStorageJob } from "./jobs/measure_storage.ts";
import { mendDevicesJob } from "./jobs/mend_devices.ts";
import { releaseParkedJob } from "./jobs/release_parked.ts";
import { retentionJob } from "./jobs/retention.ts";
import { createRetentionMetrics } from "./jobs/retention_metrics.ts";
import { rollUpJob } from "./jobs/roll_up.ts";
import { showRollups } from "./jobs/rollup_metrics.ts";
import { runJobs } from "./jobs/run_jobs.ts";
import { showStorage } from "./jobs/storage_metrics.ts";
import { writerMarkJob } from "./jobs/writer_mark.ts";
import { serveApi } from "./rpc_server/serve_api.ts";
import { databaseClock } from "./store/connection/database_clock.ts";
import { earlierClock } from "./store/connection/earlier_clock.ts";
import { answers, openBackendDatabase } from "./store/connection/open_database.ts";
import { waitForDatabase } from "./store/connection/wait_for_database.ts";
import { KnownPaces } from "./store/devices/known_paces.ts";
import { LaggingDevices } from "./store/devices/lagging_devices.ts";
import { refreshDevices } from "./store/devices/refresh_devices.ts";
import { WriterMark } from "./store/devices/writer_mark.ts";
import { retentionPolicy } from "./store/retention/retention_policy.ts";
import { migrateToLatest } from "./store/schema/migrate.ts";
import { knowsSchema } from "./store/schema/schema_version.ts";

/** How long rows may wait with none written before others had better have the work. */
const longestStallMs = 15_000;

/**
 * Persists what the queues bring and answers queries, until `signal` is
 * aborted. Closed in reverse, in three steps: what takes messages and calls,
 * and settles those in hand; what that writes through; the database. Even
 * where neither broker nor database answers, that takes less than 10 s.
 */
export async function runBackend(config: BackendConfig, context: RunContext): Promise<void> {
  checkConfig(config);
  const { log, signal } = context;
  const { host, rabbitmq, ingest, retention: { archive } } = config;
  if (archive !== undefined) await mayArchive(archive);
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
  const database = open.use(await openBackendDatabase(config, log));
  const outlets = open.use(new ClosedTogether());
  const intake = open.use(new ClosedTogether());
  const databaseUp = () => answers(database.probe);
  const checks = {
    database: databaseUp,
    schema: () => knowsSchema(database.probe),
    ingest: () => metrics.waiting.stalledMs() < longestStallMs,
  };
  const dependencies = { broker: () => broker.ready, database: databaseUp };
  const admin = intake.use(serveHttp({
    host,
    port: config.metricsPort,
    portKey: "backend.metrics_port",
    fetch: adminApp({ registry, checks, dependencies }).fetch,
  }));
  warnIfOpen(host, log);

  // Migrations that are applied are passed over.
  const { maintenance, ingest: beside } = database;
  const migrate = () => migrateToLatest(maintenance, log, { signal, beside });
  await Promise.race([waitForDatabase(migrate, config.db, log, signal), database.broken]);
  const lagging = new LaggingDevices(new WriterMark(database.ingest));
  const api = intake.use(
    await serveApi({
      host,
      port: config.grpcPort,
      portKey: "backend.grpc_port",
      routes: iotService({ queries: database.query, lagging }),
      health: { ready: checks.schema },
      translate: translateStoreError,
      limits: {
        maxConnections: config.api.maxConnections,
        maxCalls: config.api.maxCalls,
        callMs: config.api.callTimeoutMs,
        maxUnreadBytes: config.api.maxUnreadMb * 2 ** 20,
      },
      registry,
      log,
    }),
  );

  const clock = new LaterClock({
    askDatabase: () => databaseClock(database.probe),
    registry,
    log,
  });
  await Promise.race([clock.look(), database.broken]);
  const future = new FutureWatch(log);
  open.use(watchClocks(clock, future));
  const paces = new KnownPaces();
  const lastSeen = outlets.use(
    new LastSeen({
      lagging,
      refresh: (tenantId, seen) => refreshDevices(maintenance, tenantId, seen, paces),
      intervalMs: ingest.lastSeenIntervalMs,
      log,
    }),
  );
  // No job waits for a broker that is away, but the one that sends letters.
  const letters = Promise.withResolvers<Publisher>();
  const working = { db: maintenance, intervalMs: ingest.sweepIntervalMs, metrics, log };
  const policy = retentionPolicy(config.history, config.retention);
  const expiring = { queue: rabbitmq.sensorQueue, bounds: config.parked };
  intake.use(runJobs([
    releaseParkedJob({ ...working, lagging }),
    expireParkedJob({ ...working, ...expiring, deadLetters: letters.promise }),
    lastSeen,
    makePartitionsJob({
      db: maintenance,
      daysAhead: config.partitions.daysAhead,
      nowMs: () => clock.nowMs(),
      log,
    }),
    ...(config.history.compaction
      ? [compactHistoryJob({
        db: maintenance,
        afterMs: config.history.afterMs,
        nowMs: Date.now,
        onPacked: countPacked(registry),
        log,
      })]
      : []),
    mendDevicesJob({ db: maintenance, log }),
    writerMarkJob(lagging),
    measureStorageJob({
      db: maintenance,
      policy,
      afterMs: config.history.afterMs,
      nowMs: Date.now,
      onMeasured: showStorage(registry),
    }),
    retentionJob({
      db: maintenance,
      policy,
      archive,
      nowMs: () => earlierClock(maintenance),
      metrics: createRetentionMetrics(registry),
      log,
    }),
    rollUpJob({ db: maintenance, nowMs: Date.now, onTurn: showRollups(registry) }),
  ], { registry, log }));
  const deadLetters = outlets.use(
    await broker.openPublisher({
      queues: [deadLetterQueue(rabbitmq.deviceQueue), deadLetterQueue(rabbitmq.sensorQueue)],
      // No more than are in hand, by the prefetch of both queues.
      maxUnconfirmed: 2 * rabbitmq.prefetch,
    }),
  );
  letters.resolve(deadLetters);
  const writing = { db: database.ingest, tenantId: defaultTenant, lagging, future, metrics };
  const consuming = {
    broker,
    deadLetters,
    nowMs: () => clock.nowMs(),
    metrics,
    log,
    prefetch: rabbitmq.prefetch,
    maxRows: ingest.batchSize,
    maxWaitMs: ingest.batchWaitMs,
    writers: ingest.writers,
  };
  // Parked readings are released in the batch that registers their devices, so one writer: two
  // would only meet in the same rows.
  const devices = { ...consuming, queue: rabbitmq.deviceQueue, writers: 1 };
  intake.use(await consumeQueue(deviceMessages(writing), devices));
  const readings = { ...consuming, queue: rabbitmq.sensorQueue };
  intake.use(await consumeQueue(await readingMessages({ ...writing, signal }), readings));

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

if (import.meta.main) await runCommandLine(backendCommand.build(), Deno.args);
