import type { RunManifest } from "../../generator/run/run_manifest.ts";
import { firstTurnUs } from "../../generator/run/schedule.ts";

/**
 * When device `index` of a run has its turns: number 0 at the microsecond
 * `firstUs`, each other an interval after the one before, `count` in all.
 */
export interface DeviceTurns {
  readonly firstUs: number;
  readonly intervalUs: number;
  readonly count: number;
}

/** The turns of a device that are due before `untilUs`, at most as many as the run has. */
export function turnsOf(manifest: RunManifest, index: number, untilUs: number): DeviceTurns {
  const { intervalUs, count = Infinity } = manifest;
  const firstUs = firstTurnUs(manifest, index);
  const before = Math.max(0, Math.ceil((untilUs - firstUs) / intervalUs));
  return { firstUs, intervalUs, count: Math.min(count, before) };
}
