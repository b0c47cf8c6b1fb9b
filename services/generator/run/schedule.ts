/** When the devices of a run report, all in microseconds since 1970 or of time, whole. */
export interface Schedule {
  /** When device 0 has its first turn. */
  readonly startUs: number;
  /** Time between two turns of a device. */
  readonly intervalUs: number;
  /** Devices of the whole fleet. */
  readonly devices: number;
}

/**
 * When device `index` has its first turn: the devices are spread evenly over
 * the interval, so that the load is even. Its turn k comes k intervals later.
 */
export function firstTurnUs({ startUs, intervalUs, devices }: Schedule, index: number): number {
  return startUs + Math.floor(index * intervalUs / devices);
}
