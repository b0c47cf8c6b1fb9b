/** A measure as a file has it: a column of doubles. */
export interface ArchivedMeasure {
  readonly column: string;
  /** Whether a reading may come without it. */
  readonly optional: boolean;
}
