import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import denoConfig from "../../deno.json" with { type: "json" };
import { testEnvironment } from "../../tools/test_environment.ts";
import { inTime, waitUntil } from "./wait_until.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** A task of deno.json that runs one of the programs. */
export type ProgramTask = "generator" | "backend" | "frontend" | "demo-app" | "dev" | "migrate";

/** A task as its own process: with the permissions that the task gives it, asking for no more. */
export interface TaskProcess extends AsyncDisposable {
  readonly pid: number;
  /** All that it has printed. */
  readonly output: () => string;
  /** Resolves to the first match in what it has printed. */
  readonly printed: (pattern: RegExp) => Promise<RegExpExecArray>;
  readonly kill: (signal: Deno.Signal) => void;
  readonly ended: Promise<TaskEnd>;
}

export interface TaskEnd extends Deno.CommandStatus {
  readonly stdout: string;
  readonly stderr: string;
}

export interface TaskOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Working folder; the project's own unless given. */
  readonly cwd?: string;
  /** A command that runs the one after it, under limits, say. */
  readonly under?: readonly string[];
  /** Permissions beyond the task's, for what a test puts elsewhere than a user would. */
  readonly grants?: readonly string[];
  /** Reads its output no further than this, and closes it, as `head` does. */
  readonly readUntil?: RegExp;
}

/** Starts the task; disposing kills it, should it still run. */
export function startTask(
  name: ProgramTask,
  { args = [], env = {}, cwd = root, under = [], grants = [], readUntil }: TaskOptions = {},
): TaskProcess {
  const [deno, run, ...words] = denoConfig.tasks[name].command.split(" ");
  assert.equal(deno, "deno");
  // Of `dev` it is one already, and may be given once.
  const placed = words.filter((word) => word !== "--quiet").map((word) =>
    word.endsWith(".ts") ? root + word : word
  );
  const settings = ["--quiet", "--no-prompt", `--config=${root}deno.json`];
  const [program, ...before] = [...under, Deno.execPath()];
  const child = new Deno.Command(program!, {
    args: [...before, run!, ...settings, ...grants, ...placed, ...args],
    cwd,
    clearEnv: true,
    env: { ...testEnvironment(Deno.env.toObject()), ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let output = "";
  const collect = async (stream: ReadableStream<Uint8Array>, until?: RegExp) => {
    let printed = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      printed += text;
      output += text;
      if (until?.test(printed)) break;
    }
    return printed;
  };
  const collected = Promise.all([collect(child.stdout, readUntil), collect(child.stderr)]);
  let end: TaskEnd | undefined;
  const ended = child.status.then(async (status) => {
    const [stdout, stderr] = await collected;
    return end = { ...status, stdout, stderr };
  });
  const kill = (signal: Deno.Signal) => {
    if (end === undefined) child.kill(signal);
  };
  return {
    pid: child.pid,
    output: () => output,
    async printed(pattern) {
      await waitUntil(() => end !== undefined || pattern.test(output), {
        what: `${pattern} from ${name}`,
      });
      const found = pattern.exec(output);
      assert(found !== null, `${name} ended with ${end?.code}:\n${output}`);
      return found;
    },
    kill,
    ended,
    async [Symbol.asyncDispose]() {
      kill("SIGKILL");
      await ended;
    },
  };
}

/** Runs the task to its end. */
export async function runTask(name: ProgramTask, options?: TaskOptions): Promise<TaskEnd> {
  await using task = startTask(name, options);
  return await inTime(task.ended, `the end of ${name}`);
}
