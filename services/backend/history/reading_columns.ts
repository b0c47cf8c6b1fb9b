/** Columns of readings of one device, in the order of (micros, tie break). */
export interface ReadingColumns {
  readonly count: number;
  /** Unix microseconds, whole numbers. */
  readonly micros: Float64Array;
  /** Nanoseconds past the microsecond, 0 to 999; undefined where all are 0. */
  readonly nanos: Uint16Array | undefined;
  /** In the order of `measures`; NaN where an optional one is not set. */
  readonly values: readonly Float64Array[];
  /** Tie breaks that are not computed from the values, by place; undefined where there are none. */
  readonly oddTieBreaks: ReadonlyMap<number, bigint> | undefined;
}
