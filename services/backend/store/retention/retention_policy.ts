import type { BackendConfig } from "../../config.ts";
import type { PartitionedTable } from "../partitions/list_partitions.ts";

/** What is kept for a time of its own; each is the label of its metrics. */
export type KeptKind = "rows" | "history" | "minute" | "hour" | "day";

export const kindOf: Readonly<Record<PartitionedTable, KeptKind>> = {
  sensor_readings: "rows",
  closed_readings: "rows",
  sensor_history: "history",
  rollups_minute: "minute",
  rollups_hour: "hour",
  rollups_day: "day",
};

/** How long readings are kept, in milliseconds; Infinity is for ever. */
export interface ReadingsPolicy {
  readonly keptMs: Readonly<Record<"rows" | "history", number>>;
  /** Whether readings that are rows are packed, after a while. */
  readonly packs: boolean;
}

/** How long everything is kept. */
export interface RetentionPolicy extends ReadingsPolicy {
  readonly keptMs: Readonly<Record<KeptKind, number>>;
  /** How long a day stays as rows that a person wanted so, where others are packed. */
  readonly expandedMs: number;
}

type HistoryConfig = Pick<BackendConfig["history"], "compaction">;

export function readingsPolicy(
  { compaction: packs }: HistoryConfig,
  { rawMs, historyMs }: Pick<BackendConfig["retention"], "rawMs" | "historyMs">,
): ReadingsPolicy {
  // What is still to be packed must not go before its time.
  const rows = packs ? Math.max(rawMs, historyMs) : rawMs;
  return { keptMs: { rows, history: historyMs }, packs };
}

export function retentionPolicy(
  history: HistoryConfig,
  retention: Omit<BackendConfig["retention"], "archive">,
): RetentionPolicy {
  const { rawMs, minuteMs, hourMs, dayMs } = retention;
  const { keptMs, packs } = readingsPolicy(history, retention);
  return {
    keptMs: { ...keptMs, minute: minuteMs, hour: hourMs, day: dayMs },
    packs,
    expandedMs: rawMs,
  };
}

/** Of each kind, what ends there or before is due; Unix microseconds, -Infinity where nothing ever is. */
export function dueUntil(
  { keptMs }: RetentionPolicy,
  nowMs: number,
): Readonly<Record<KeptKind, number>> {
  const { rows, history, minute, hour, day } = keptMs;
  const ago = (ms: number) => (nowMs - ms) * 1_000;
  return {
    rows: ago(rows),
    history: ago(history),
    minute: ago(minute),
    hour: ago(hour),
    day: ago(day),
  };
}
