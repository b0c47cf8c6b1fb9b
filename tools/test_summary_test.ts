import assert from "node:assert/strict";
import { sumSummaries, testSummary } from "./test_summary.ts";

Deno.test("testSummary reads a coloured summary with steps and ignored tests", () => {
  const output = "a ... \x1b[0m\x1b[32mok\x1b[0m (3ms)\n\n" +
    "\x1b[0m\x1b[32mok\x1b[0m | 12 passed (3 steps) | 0 failed | 2 ignored (1 step) (1m2s)\n\n";
  assert.deepEqual(testSummary(output), { passed: 12, failed: 0, ignored: 2 });
});

Deno.test("testSummary reads a failed run", () => {
  const output = "FAILED | 1 passed | 2 failed (1 step) (19ms)\r\n\r\nerror: Test failed\r\n";
  assert.deepEqual(testSummary(output), { passed: 1, failed: 2, ignored: 0 });
});

Deno.test("testSummary takes the last summary: earlier ones are a test's own output", () => {
  const output = "ok | 99 passed | 0 failed (1s)\nok | 3 passed | 0 failed | 7 filtered out (1s)\n";
  assert.deepEqual(testSummary(output), { passed: 3, failed: 0, ignored: 0 });
});

Deno.test("testSummary finds none where no test ran", () => {
  assert.equal(testSummary("error: Type checking failed.\n"), undefined);
  assert.equal(testSummary("  ok | 1 passed, as a test said | 0 failed"), undefined);
});

Deno.test("sumSummaries counts a run without a summary as a failure", () => {
  const run = { passed: 2, failed: 0, ignored: 1 };
  assert.deepEqual(sumSummaries([run, undefined, run]), { passed: 4, failed: 1, ignored: 2 });
});
