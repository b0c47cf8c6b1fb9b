import assert from "node:assert/strict";
import { ignoredTestsReport, optionalTestsReport } from "./ignored_tests_report.ts";
import { ignoredTests } from "./junit_report.ts";

const report = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="4">
    <testsuite name="./a_test.ts" tests="3" disabled="2" errors="0" failures="0">
        <testcase name="stores &lt;a&gt; &amp; &quot;b&quot;" classname="./a_test.ts" time="0.000" line="1" col="6">
            <skipped/>
        </testcase>
        <testcase name="runs" classname="./a_test.ts" time="0.001" line="2" col="6">
        </testcase>
    </testsuite>
    <testsuite name="./b_test.ts" tests="1">
        <testcase name="elsewhere" classname="./b_test.ts" time="0.000" line="2" col="39">
            <skipped/>
        </testcase>
    </testsuite>
</testsuites>`;

Deno.test("ignoredTests reads the skipped tests of a report, and no others", () => {
  assert.deepEqual(ignoredTests(report), [
    { file: "a_test.ts", name: 'stores <a> & "b"' },
    { file: "b_test.ts", name: "elsewhere" },
  ]);
});

Deno.test("ignoredTestsReport names tests under what they lack, found through their imports", () => {
  const missing = [{ name: "PostgreSQL", support: "postgres.ts", supply: ["start it", "buy it"] }];
  const imports = [
    { from: "a_test.ts", to: "stores.ts", line: 1 },
    { from: "stores.ts", to: "postgres.ts", line: 1 },
  ];
  assert.equal(
    ignoredTestsReport(ignoredTests(report), missing, imports),
    '1 test ignored, for want of PostgreSQL:\n  a_test.ts: stores <a> & "b"\n' +
      "To run them: start it\n         or: buy it\n" +
      "\n1 test ignored:\n  b_test.ts: elsewhere\n",
  );
});

Deno.test("optionalTestsReport says how many were ignored, and how to run them", () => {
  const rig = { name: "Rig", testsNamed: /rig$/, supply: "RIG=1 deno task test" };
  assert.equal(
    optionalTestsReport(ignoredTests(report), rig),
    "2 tests ignored, for want of Rig, which is optional\nTo run them: RIG=1 deno task test\n",
  );
});
