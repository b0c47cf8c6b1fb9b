import process from "node:process";
import { outputClosed } from "#shared/output/standard_output.ts";
import { aboveStatusLine } from "#shared/output/status_line.ts";

/** Where a command's findings go, a line at a time; resolves once the reader has taken it. */
export type Print = (line: string) => Promise<void>;

/**
 * Writes to standard output, at the pace of whoever reads it. Where nobody does
 * any more, as after `| head`, the command is told to stop by its signal.
 */
export const printLine: Print = (line) => {
  if (outputClosed.aborted) return done;
  let more = true;
  aboveStatusLine(() => more = process.stdout.write(`${line}\n`));
  if (more) return done;
  draining ??= new Promise((resolve) => {
    const finish = () => {
      draining = undefined;
      process.stdout.removeListener("drain", finish);
      outputClosed.removeEventListener("abort", finish);
      resolve();
    };
    process.stdout.once("drain", finish);
    outputClosed.addEventListener("abort", finish);
  });
  return draining;
};

const done = Promise.resolve();
/** While standard output is full: resolves once it is not. */
let draining: Promise<void> | undefined;
