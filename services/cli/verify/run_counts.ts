import type { ForeignReadings } from "./count_readings.ts";
import type { Difference } from "./device_comparison.ts";

/** Of a device, or of all of a run. */
export type ReadingCounts =
  & {
    /** Readings that were published. */
    expected: number;
    /** Of these, how many are stored as they were published, once or more. */
    matched: number;
  }
  & Record<Difference, number>;

export interface RunCounts extends Readonly<ReadingCounts> {
  /** Readings of the run's devices before its start or after its end: another run's. */
  readonly outside: number;
  /** Readings of other devices within the run's time: another run's, or nobody's. */
  readonly foreign: ForeignReadings;
  /** Parked readings of any device, those of the run among them. */
  readonly parkedInAll: number;
}

export function noReadings(): ReadingCounts {
  return {
    expected: 0,
    matched: 0,
    missing: 0,
    doubled: 0,
    altered: 0,
    unexpected: 0,
    parked: 0,
  };
}

/** Whether the readings are those that were published, each once, and no other. */
export function isWhole(counts: Readonly<ReadingCounts>): boolean {
  const { missing, doubled, altered, unexpected, parked } = counts;
  return missing + doubled + altered + unexpected + parked === 0;
}
