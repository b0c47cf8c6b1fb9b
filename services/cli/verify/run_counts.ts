import type { ForeignReadings } from "./count_readings.ts";
import type { Difference } from "./device_comparison.ts";
import type { RollupDifference } from "./rollup_comparison.ts";

/** Of a device, or of all of a run. */
export interface DeviceCounts {
  readonly readings: ReadingCounts;
  readonly rollups: RollupCounts;
}

export type ReadingCounts =
  & {
    /** Readings that were published. */
    expected: number;
    /** Of these, how many are stored as they were published, once or more. */
    matched: number;
    /** How many are gone by retention, and not missing. */
    dropped: number;
  }
  & Record<Difference, number>;

/** Of minutes, hours and days that lie within the run. */
export type RollupCounts =
  & {
    /** Rollups that tell what the published readings come to. */
    matched: number;
  }
  & Record<RollupDifference, number>;

export interface RunCounts extends DeviceCounts {
  /** Readings of the run's devices before its start or after its end: another run's. */
  readonly outside: number;
  /** Readings of other devices within the run's time: another run's, or nobody's. */
  readonly foreign: ForeignReadings;
  /** Parked readings of any device, those of the run among them. */
  readonly parkedInAll: number;
}

export function noCounts(): DeviceCounts {
  return {
    readings: {
      expected: 0,
      matched: 0,
      dropped: 0,
      missing: 0,
      doubled: 0,
      altered: 0,
      unexpected: 0,
      parked: 0,
    },
    rollups: { matched: 0, missing: 0, wrong: 0, unexpected: 0 },
  };
}

export function addCounts(totals: DeviceCounts, { readings, rollups }: DeviceCounts): void {
  add(totals.readings, readings);
  add(totals.rollups, rollups);
}

function add<Key extends string>(
  totals: Record<Key, number>,
  counts: Readonly<Record<Key, number>>,
): void {
  for (const key of Object.keys(totals) as Key[]) totals[key] += counts[key];
}

/**
 * Whether the readings are those that were published, each once, and no other,
 * but for those that were dropped; and rollups tell what all of them come to.
 */
export function isWhole({ readings, rollups }: DeviceCounts): boolean {
  const { missing, doubled, altered, unexpected, parked } = readings;
  return missing + doubled + altered + unexpected + parked === 0 && badRollups(rollups) === 0;
}

export function badRollups({ missing, wrong, unexpected }: RollupCounts): number {
  return missing + wrong + unexpected;
}
