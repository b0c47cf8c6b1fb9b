/** How many tests passed and failed in one or several runs of `deno test`. */
export interface TestSummary {
  readonly passed: number;
  readonly failed: number;
  readonly ignored: number;
}

// deno-lint-ignore no-control-regex -- colours are control characters
const colour = /\x1b\[[0-9;]*m/g;
const summaryLine =
  /^(?:ok|FAILED) \| (\d+) passed(?: \([^)]*\))? \| (\d+) failed(?: \([^)]*\))?(?: \| (\d+) ignored)?/;

/**
 * The summary that ends what `deno test` printed, coloured or not; undefined if
 * there is none, as after a type error. Earlier ones are the tests' own output.
 */
export function testSummary(output: string): TestSummary | undefined {
  const line = output.replace(colour, "").split(/\r?\n/).findLast((line) => summaryLine.test(line));
  if (line === undefined) return undefined;
  const [, passed, failed, ignored] = summaryLine.exec(line)!;
  return { passed: Number(passed), failed: Number(failed), ignored: Number(ignored ?? 0) };
}

/** Sums the runs; one without a summary counts as a failure. */
export function sumSummaries(runs: readonly (TestSummary | undefined)[]): TestSummary {
  return runs.map((run) => run ?? { passed: 0, failed: 1, ignored: 0 }).reduce(
    (sum, run) => ({
      passed: sum.passed + run.passed,
      failed: sum.failed + run.failed,
      ignored: sum.ignored + run.ignored,
    }),
    { passed: 0, failed: 0, ignored: 0 },
  );
}
