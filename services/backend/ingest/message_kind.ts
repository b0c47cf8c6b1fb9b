/** What the messages of a queue are, and where their rows go. */
export interface MessageKind<Row> {
  /**
   * @param nowMs Unix milliseconds
   * @throws {MalformedMessageError}
   */
  decode(body: Uint8Array, nowMs: number): Row;
  /** Commits all rows or none; writing a row again changes nothing. */
  write(rows: readonly Row[]): Promise<void>;
}
