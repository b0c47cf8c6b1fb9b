import { Counter, type Registry } from "prom-client";
import type { CompactionOptions } from "./compact_history.ts";

/** Counts what is packed. */
export function countPacked(registry: Registry): CompactionOptions["onPacked"] {
  const registers = [registry];
  const counters = {
    compacted: new Counter({
      name: "history_compacted_readings_total",
      help: "Readings of closed days that were packed; those packed again are counted again.",
      registers,
    }),
    late: new Counter({
      name: "history_late_readings_total",
      help: "Late readings that were packed with those of their days.",
      registers,
    }),
  };
  return (readings, what) => counters[what].inc(readings);
}
