/** Bytes that no release wrote, or a later one: whoever reads them can only report it. */
export class PackedReadingsError extends Error {
  override readonly name = "PackedReadingsError";

  /** @param state what is wrong with the bytes. */
  constructor(state: string) {
    super(`Cannot unpack readings: ${state}`);
  }
}
