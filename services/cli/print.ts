import process from "node:process";

/** Where a command's findings go, a line at a time; resolves once the reader has taken it. */
export type Print = (line: string) => Promise<void>;

/** Writes to standard output, at the pace of whoever reads it. */
export const printLine: Print = (line) => {
  if (process.stdout.write(`${line}\n`)) return done;
  return new Promise((resolve) => process.stdout.once("drain", resolve));
};

const done = Promise.resolve();
