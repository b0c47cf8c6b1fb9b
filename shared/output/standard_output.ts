import process from "node:process";

/** Why a program stops that has nobody left to write to, as after `| head`. */
export class OutputClosedError extends Error {
  override readonly name = "OutputClosedError";
}

const controller = new AbortController();
const encoder = new TextEncoder();

/** Aborted, with an `OutputClosedError`, once a write finds that nobody reads standard output. */
export const outputClosed: AbortSignal = controller.signal;

/** Makes failed writes to standard output and standard error end nothing by themselves. */
export function watchStandardOutput(): void {
  process.stdout.on("error", noteFailure);
  process.stderr.on("error", () => {});
}

/** Writes to standard output before it returns; text that cannot be written is lost. */
export function writeOutput(text: string): void {
  const bytes = encoder.encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
  } catch (error) {
    noteFailure(error);
  }
}

/** A full disk passes; a reader, or a terminal (EIO), that has gone does not come back. */
function noteFailure(error: unknown): void {
  const code = (error as { readonly code?: unknown } | null)?.code;
  if (error instanceof Deno.errors.BrokenPipe || code === "EPIPE" || code === "EIO") {
    controller.abort(new OutputClosedError("nobody reads standard output", { cause: error }));
  }
}
