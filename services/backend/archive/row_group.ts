/** Readings as columns, all of them equally long. */
export interface RowGroup {
  readonly tenantIds: Int32Array;
  readonly deviceIds: readonly string[];
  /** Unix microseconds. */
  readonly micros: Float64Array;
  /** Past the microsecond, 0 to 999. */
  readonly nanos: Uint16Array;
  readonly tieBreaks: BigInt64Array;
  /** A column for each measure, in their order; NaN where it is not set. */
  readonly values: readonly Float64Array[];
}
