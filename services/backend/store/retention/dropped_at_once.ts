import { dayOf } from "../partitions/days.ts";
import type { ReadingsPolicy } from "./retention_policy.ts";

/** Because of which kind a reading of an instant would be dropped as soon as it is stored; undefined if it is kept. */
export function droppedAtOnce(
  { keptMs, packs }: ReadingsPolicy,
  micros: number,
  nowMs: number,
): "rows" | "history" | undefined {
  const until = (kind: "rows" | "history") => (nowMs - keptMs[kind]) * 1_000;
  if (packs && monthEnd(micros) <= until("history")) return "history";
  return micros < dayOf(until("rows")) ? "rows" : undefined;
}

/** Of packed readings, months are dropped. */
function monthEnd(micros: number): number {
  const at = new Date(micros / 1_000);
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1) * 1_000;
}
