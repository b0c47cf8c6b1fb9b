import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { WaitingRows } from "./waiting_rows.ts";

export interface IngestMetrics {
  readonly received: Counter<"queue">;
  readonly stored: Counter<"table">;
  readonly duplicates: Counter;
  readonly released: Counter;
  readonly deadLetters: Counter<"queue" | "reason">;
  readonly unconfirmedLetters: Gauge<"queue">;
  readonly writeFailures: Counter<"queue" | "failure">;
  readonly batchRows: Histogram;
  readonly writeSeconds: Histogram;
  readonly waiting: WaitingRows;
}

export function createIngestMetrics(registry: Registry): IngestMetrics {
  const registers = [registry];
  return {
    received: new Counter({
      name: "ingest_messages_received_total",
      help: "Messages taken from a queue into a batch, redeliveries included.",
      labelNames: ["queue"],
      registers,
    }),
    stored: new Counter({
      name: "ingest_rows_stored_total",
      help: "Rows committed, by table.",
      labelNames: ["table"],
      registers,
    }),
    duplicates: new Counter({
      name: "ingest_duplicate_readings_total",
      help: "Readings passed over, since they were stored or parked before.",
      registers,
    }),
    released: new Counter({
      name: "ingest_released_readings_total",
      help: "Parked readings whose device became known; those stored before are duplicates.",
      registers,
    }),
    deadLetters: new Counter({
      name: "ingest_dead_letters_total",
      help: "Messages moved to a dead-letter queue, by reason.",
      labelNames: ["queue", "reason"],
      registers,
    }),
    unconfirmedLetters: new Gauge({
      name: "ingest_unconfirmed_dead_letters",
      help: "Messages in hand whose dead letter the broker has not confirmed.",
      labelNames: ["queue"],
      registers,
    }),
    writeFailures: new Counter({
      name: "ingest_write_failures_total",
      help: "Writes that failed, by what they call for.",
      labelNames: ["queue", "failure"],
      registers,
    }),
    batchRows: new Histogram({
      name: "ingest_batch_rows",
      help: "Rows a batch.",
      buckets: [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000],
      registers,
    }),
    writeSeconds: new Histogram({
      name: "ingest_write_duration_seconds",
      help: "Time from handing a batch to the database to its commit.",
      buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
      registers,
    }),
    waiting: new WaitingRows(registry),
  };
}
