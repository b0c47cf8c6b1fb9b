import type { Logger } from "@logtape/logtape";
import type { Delivery } from "#shared/broker/port/broker.ts";
import type { IngestMetrics } from "./ingest_metrics.ts";
import type { DeadLetterReason } from "./letters/dead_letters.ts";

/** How deliveries leave the hands of the backend. */
export interface Settlement {
  ack(deliveries: readonly Delivery[]): void;
  /** Resolves once the message is safe in the dead-letter queue. */
  deadLetter(delivery: Delivery, reason: DeadLetterReason, detail: string): Promise<void>;
}

/** Whose deliveries they are, and who is told of them. */
export interface QueueContext {
  readonly queue: string;
  readonly metrics: IngestMetrics;
  readonly log: Logger;
}
