/** A file that another process is writing. */
export class FileInUseError extends Error {
  override readonly name = "FileInUseError";
}
