import { checkQueueSettings } from "#shared/broker/check_queue_settings.ts";
import { ConfigError } from "#shared/config/config_error.ts";
import type { BackendConfig } from "./config.ts";

/** @throws {ConfigError} for settings that are good each by itself and not together. */
export function checkConfig({ db, rabbitmq, ingest }: BackendConfig): void {
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
  if (ingest.writers >= db.maxConnections) {
    throw new ConfigError("backend", [{
      key: "backend.ingest.writers",
      value: String(ingest.writers),
      problem: `expected less than ${db.maxConnections}, which backend.db.max_connections is: ` +
        "queries need a connection too",
    }]);
  }
}
