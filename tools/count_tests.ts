/**
 * `count_tests.ts LOG…`: sums what the runs of `deno test` in the logs say and
 * prints `N passed, N failed`. Fails unless something passed and nothing failed.
 */
import process from "node:process";
import { sumSummaries, testSummary } from "./test_summary.ts";

const logs = await Promise.all(Deno.args.map((path) => Deno.readTextFile(path)));
const { passed, failed } = sumSummaries(logs.map(testSummary));
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = passed > 0 && failed === 0 ? 0 : 1;
