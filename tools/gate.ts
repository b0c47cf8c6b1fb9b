/**
 * `gate.ts` runs everything that must hold before a commit, tests last;
 * `gate.ts --static` leaves the tests out. Every step runs, whatever became of
 * the others. Arguments go to the tests.
 */
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const withTests = !Deno.args.includes("--static");

const steps: readonly (readonly [name: string, ...args: readonly string[]])[] = [
  ["format", "fmt", "--check"],
  ["lint", "lint"],
  ["types", "check", "--lock=tests/deno.lock", "--frozen"],
  ["lock files", "run", "-A", "tools/lock.ts", "fresh"],
  ["proto lint", "run", "-A", "tools/proto.ts", "lint"],
  ["generated code is fresh", "run", "-A", "tools/proto.ts", "fresh"],
  ...(withTests ? [["tests", "run", "-A", "tools/run_tests.ts", ...Deno.args] as const] : []),
];

const outcomes: { readonly name: string; readonly passed: boolean; readonly seconds: string }[] =
  [];
for (const [name, ...args] of steps) {
  process.stdout.write(`\n== ${name}: deno ${args.join(" ")}\n`);
  const startedMs = performance.now();
  const { success } = await new Deno.Command(Deno.execPath(), { args, cwd: root }).spawn().status;
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  outcomes.push({ name, passed: success, seconds });
}
process.stdout.write("\n");
for (const { name, passed, seconds } of outcomes) {
  process.stdout.write(`${passed ? "ok    " : "FAILED"} ${name} (${seconds} s)\n`);
}
process.exit(outcomes.every(({ passed }) => passed) ? 0 : 1);
