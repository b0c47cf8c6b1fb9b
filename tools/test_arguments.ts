/** What the runner itself reads of its arguments, and what is left for `deno test`. */
export interface TestArguments {
  /** A test that would be ignored is a failure. */
  readonly requireAll: boolean;
  /** Start servers even where some answer. */
  readonly ownServices: boolean;
  readonly passedOn: readonly string[];
}

export function testArguments(args: readonly string[]): TestArguments {
  const own = ["--require-all", "--own-services"];
  // What follows `--` is for the tests.
  const end = args.indexOf("--");
  const head = end < 0 ? args : args.slice(0, end);
  return {
    requireAll: head.includes("--require-all"),
    ownServices: head.includes("--own-services"),
    passedOn: [...head.filter((arg) => !own.includes(arg)), ...args.slice(head.length)],
  };
}
