/** How many of a device's newest readings its pace is learned from. */
export const paceReadings = 8;

/** Gaps that it takes to tell a pace from a chance. */
const fewestGaps = 2;

/**
 * The usual time between two readings of a device: the median gap between their
 * instants, in whatever order and unit these are given, so that one outage, or
 * one reading out of turn, changes nothing. Instants that are the same count
 * once: one device may send several readings of a moment. Undefined where there
 * are fewer than three.
 */
export function typicalInterval(instants: readonly number[]): number | undefined {
  const distinct = [...new Set(instants)].sort((a, b) => a - b);
  const gaps = distinct.slice(1).map((at, i) => at - distinct[i]!).sort((a, b) => a - b);
  // Of an even number the longer one: nobody is to be called silent too soon.
  return gaps.length < fewestGaps ? undefined : gaps[gaps.length >> 1];
}
