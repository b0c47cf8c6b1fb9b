/** Why a command cannot start, or cannot go on, in words for the person who started it. */
export class StartError extends Error {
  override readonly name = "StartError";
}
