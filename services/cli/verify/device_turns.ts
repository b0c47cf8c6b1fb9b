import type { RunManifest } from "../../generator/run/run_manifest.ts";

/**
 * When device `index` of a run has its turns: number 0 at the microsecond
 * `firstUs`, each other an interval after the one before, `count` in all.
 */
export interface Turns {
  readonly firstUs: number;
  readonly intervalUs: number;
  readonly count: number;
}

/** The turns of a device that are due before `untilUs`, at most as many as the run has. */
export function turnsOf(manifest: RunManifest, index: number, untilUs: number): Turns {
  const { startUs, intervalUs, devices, count = Infinity } = manifest;
  // As in the generator's rota: phases are spread evenly over the interval.
  const firstUs = startUs + Math.floor(index * intervalUs / devices);
  const before = Math.max(0, Math.ceil((untilUs - firstUs) / intervalUs));
  return { firstUs, intervalUs, count: Math.min(count, before) };
}
