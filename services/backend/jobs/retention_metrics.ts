import { Counter, type Registry } from "prom-client";
import type { KeptKind } from "../store/retention/retention_policy.ts";

/** What retention did on this replica. */
export interface RetentionMetrics {
  readonly partitions: Counter<"kind">;
  readonly readings: Counter<"kind">;
  readonly bytes: Counter<"kind">;
  readonly archived: Counter;
}

const kinds: readonly KeptKind[] = ["rows", "history", "minute", "hour", "day"];

export function createRetentionMetrics(registry: Registry): RetentionMetrics {
  const registers = [registry];
  const labelNames = ["kind"] as const;
  const metrics = {
    partitions: new Counter({
      name: "retention_dropped_partitions_total",
      help: "Partitions that were dropped since their time was over.",
      labelNames,
      registers,
    }),
    readings: new Counter({
      name: "retention_dropped_readings_total",
      help: "Readings that were dropped since their time was over; of rollups, their buckets.",
      labelNames,
      registers,
    }),
    bytes: new Counter({
      name: "retention_dropped_bytes_total",
      help: "Bytes that dropped partitions took, with their indexes.",
      labelNames,
      registers,
    }),
    archived: new Counter({
      name: "retention_archived_readings_total",
      help: "Readings that were written to files before they are dropped.",
      registers,
    }),
  };
  for (const kind of kinds) {
    for (const counter of [metrics.partitions, metrics.readings, metrics.bytes]) {
      counter.inc({ kind }, 0);
    }
  }
  return metrics;
}
