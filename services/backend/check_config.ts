import { checkQueueSettings } from "#shared/broker/check_queue_settings.ts";
import { ConfigError } from "#shared/config/config_error.ts";
import { checkRetention } from "./check_retention.ts";
import type { BackendConfig } from "./config.ts";
import { sessionShares } from "./store/connection/session_shares.ts";

/** @throws {ConfigError} for settings that are good each by itself and not together. */
export function checkConfig(config: BackendConfig): void {
  const { db, rabbitmq, ingest } = config;
  checkRetention("backend", config);
  checkQueueSettings("backend", "backend.rabbitmq", {
    durable: rabbitmq.queueDurable,
    type: rabbitmq.queueType,
  });
  if (rabbitmq.prefetch < ingest.batchSize) {
    throw new ConfigError("backend", [{
      key: "backend.rabbitmq.prefetch",
      value: String(rabbitmq.prefetch),
      problem: `expected at least ${ingest.batchSize}, which backend.ingest.batch_size is: ` +
        "a batch could never fill",
    }]);
  }
  const { query } = sessionShares(db.maxConnections, ingest.writers);
  const pooled = db.url?.protocol !== "pglite:";
  if (pooled && query < 1) {
    throw new ConfigError("backend", [{
      key: "backend.db.max_connections",
      value: String(db.maxConnections),
      problem:
        `expected at least ${db.maxConnections + 1 - query}: each of the ${ingest.writers} ` +
        "that backend.ingest.writers is needs one, and so do devices, jobs, probes and queries",
    }]);
  }
}
