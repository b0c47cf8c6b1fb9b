import type { MeasuredValues } from "#shared/telemetry/measures.ts";

/** A reading as the statements take it. */
export interface ReadingRow {
  readonly deviceId: string;
  /** Unix microseconds: what PostgreSQL's timestamps hold. */
  readonly micros: number;
  /** Tells apart readings of one device in one microsecond: see `tieBreak`. */
  readonly tieBreak: bigint;
  readonly values: Readonly<MeasuredValues>;
}

/** Where a reading stands among its device's readings. */
export interface ReadingPosition {
  readonly micros: number;
  readonly tieBreak: bigint;
}

/** Whether the position `a` is after `b` among the readings of one device. */
export function isNewer(a: ReadingPosition, b: ReadingPosition): boolean {
  return a.micros > b.micros || (a.micros === b.micros && a.tieBreak > b.tieBreak);
}
