import { Gauge, type Registry } from "prom-client";
import type { StorageState } from "../store/storage/measure_storage.ts";

/** Shows how much is stored. */
export function showStorage(registry: Registry): (state: StorageState) => void {
  const registers = [registry];
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const bytes = new Gauge({
    name: "storage_bytes",
    help: "Bytes on the disk, by what is stored, of tables and of their indexes.",
    labelNames: ["kind", "part"],
    registers,
  });
  const partitions = new Gauge({
    name: "storage_partitions",
    help: "Partitions, by what is stored.",
    labelNames: ["kind"],
    registers,
  });
  const oldest = gauge(
    "storage_oldest_reading_timestamp_seconds",
    "Instant of the first reading that is stored, in Unix seconds; NaN if there is none.",
  );
  const newest = gauge(
    "storage_newest_reading_timestamp_seconds",
    "Instant of the last reading that is stored, in Unix seconds; NaN if there is none.",
  );
  const backlogDays = gauge(
    "history_backlog_days",
    "Days that should be packed by now, and are not.",
  );
  const backlogReadings = gauge(
    "history_backlog_readings",
    "Readings of days that should be packed by now, about.",
  );
  const due = gauge(
    "retention_due_partitions",
    "Partitions whose time is over, and that are still there.",
  );
  const nextAt = gauge(
    "retention_next_timestamp_seconds",
    "When the time of a partition is over next, in Unix seconds; NaN if it never is.",
  );
  const nextBytes = gauge(
    "retention_next_bytes",
    "Bytes of the partition whose time is over next.",
  );
  return (state) => {
    for (const { kind, partitions: count, tableBytes, indexBytes } of state.sizes) {
      bytes.set({ kind, part: "table" }, tableBytes);
      bytes.set({ kind, part: "index" }, indexBytes);
      partitions.set({ kind }, count);
    }
    oldest.set((state.oldestMicros ?? NaN) / 1_000_000);
    newest.set((state.newestMicros ?? NaN) / 1_000_000);
    backlogDays.set(state.compaction.days);
    backlogReadings.set(state.compaction.readings);
    due.set(state.due);
    nextAt.set((state.next?.atMs ?? NaN) / 1_000);
    nextBytes.set(state.next?.part.bytes ?? 0);
  };
}
