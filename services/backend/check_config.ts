import { checkQueueSettings } from "#shared/broker/check_queue_settings.ts";
import { ConfigError } from "#shared/config/config_error.ts";
import type { BackendConfig } from "./config.ts";
import { sessionShares } from "./store/connection/session_shares.ts";

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
  const { query } = sessionShares(db.maxConnections, ingest.writers);
  if (query < 1) {
    throw new ConfigError("backend", [{
      key: "backend.ingest.writers",
      value: String(ingest.writers),
      problem: `expected at most ${ingest.writers + query - 1}: of the ${db.maxConnections} that ` +
        "backend.db.max_connections allows, devices, jobs, probes and queries need one each",
    }]);
  }
}
