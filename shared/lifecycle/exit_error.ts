/**
 * Why a command cannot start, or cannot go on, in words for the person who
 * started it. The program prints the message, without a stack, and exits 1.
 */
export class ExitError extends Error {
  override readonly name = "ExitError";
}
