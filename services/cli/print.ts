import process from "node:process";

/** Where a command's findings go, a line at a time; resolves once the reader has taken it. */
export type Print = (line: string) => Promise<void>;

/**
 * Writes to standard output, at the pace of whoever reads it. Ends the process
 * when nobody does any more, as after `| head`.
 */
export const printLine: Print = (line) => {
  if (process.stdout.listenerCount("error") === 0) process.stdout.on("error", onError);
  if (process.stdout.write(`${line}\n`)) return done;
  draining ??= new Promise((resolve) =>
    process.stdout.once("drain", () => {
      draining = undefined;
      resolve();
    })
  );
  return draining;
};

const done = Promise.resolve();
/** While standard output is full: resolves once it is not. */
let draining: Promise<void> | undefined;

function onError(error: Error & { readonly code?: string }): void {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
}
