import process from "node:process";

/** Markdown on standard output, a blank line after each block. */
export function print(text: string): void {
  process.stdout.write(`${text}\n\n`);
}

/** Progress, on standard error. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}

export function megabytes(bytes: number | undefined): number {
  return (bytes ?? NaN) / 2 ** 20;
}

/** A dash where it could not be measured. */
export function orDash(value: number, digits: number): string {
  return Number.isNaN(value) ? "–" : value.toFixed(digits);
}
