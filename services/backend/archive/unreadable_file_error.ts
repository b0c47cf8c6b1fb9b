export type UnreadableReason = "foreign" | "damaged";

/**
 * A file that cannot be read as one of a day's readings: another kind of file, or
 * what is left of one.
 */
export class UnreadableFileError extends Error {
  override readonly name = "UnreadableFileError";
  readonly reason: UnreadableReason;

  constructor(reason: UnreadableReason, path: string, state: string, options?: ErrorOptions) {
    super(`Cannot read ${path} as a day's readings: ${state}`, options);
    this.reason = reason;
  }
}
