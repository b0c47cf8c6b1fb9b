/** A reading as the statements take it. */
export interface ReadingRow {
  readonly deviceId: string;
  /** Unix microseconds: what PostgreSQL's timestamps hold. */
  readonly micros: number;
  /** Tells apart readings of one device in one microsecond: see `tieBreak`. */
  readonly tieBreak: bigint;
  readonly temperature: number;
  readonly humidity: number;
  readonly pressure: number;
  readonly batteryLevel: number;
}

/** Where a reading stands among its device's readings. */
export interface ReadingPosition {
  readonly micros: number;
  readonly tieBreak: bigint;
}
