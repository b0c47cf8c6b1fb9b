import assert from "node:assert/strict";
import { type ProgramTask, runTask, type TaskEnd, type TaskOptions } from "./task_process.ts";

/** What tests give as a password, and no program may print. */
export const secret = "s3cret-of-the-test";

/** Ports of `dev` that nobody else has. */
export const freePorts = ["grpc", "http", "backend-metrics", "generator-metrics"].map((name) =>
  `--${name}-port=0`
);

export function showsNothingOfTheInside(
  { stdout, stderr }: Pick<TaskEnd, "stdout" | "stderr">,
): void {
  for (const output of [stdout, stderr]) {
    assert(!output.includes(secret), `a secret: ${output}`);
    assert(!/Uncaught|^ +at |--allow-/m.test(output), output);
  }
}

/** Runs a program that cannot start, and says why in one line. */
export async function refusal(task: ProgramTask, options: TaskOptions): Promise<string> {
  const { code, stdout, stderr } = await runTask(task, options);
  showsNothingOfTheInside({ stdout, stderr });
  assert.equal(code, 1, stderr);
  assert.match(stderr, /^Cannot [^\n]+\n$/);
  return stderr.trimEnd();
}

export function assertJsonLines(stdout: string): void {
  for (const line of stdout.trimEnd().split("\n")) {
    const record = JSON.parse(line);
    assert.equal(typeof record.message, "string");
    assert(!Number.isNaN(Date.parse(record["@timestamp"])), line);
  }
}
