/** What `test:loaded` reads of its arguments, and what is left for `deno task test`. */
export interface LoadedArguments {
  /** Runs, one after the other. */
  readonly times: number;
  readonly passedOn: readonly string[];
}

/** Undefined if the times are not a whole number from 1 on. */
export function loadedArguments(args: readonly string[]): LoadedArguments | undefined {
  // What follows `--` is for the tests.
  const end = args.indexOf("--");
  const at = args.findLastIndex((arg, at) => arg.startsWith("--times=") && (end < 0 || at < end));
  if (at < 0) return { times: 10, passedOn: args };
  const times = Number(args[at]!.slice("--times=".length));
  if (!Number.isSafeInteger(times) || times < 1) return undefined;
  return { times, passedOn: args.toSpliced(at, 1) };
}
