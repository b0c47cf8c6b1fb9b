import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import denoConfig from "../../deno.json" with { type: "json" };
import { waitUntil } from "./wait_until.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** A task of deno.json as its own process, with the permissions that the task gives it. */
export interface TaskProcess extends AsyncDisposable {
  readonly output: () => string;
  /** Resolves to the first match in what it has printed. */
  readonly printed: (pattern: RegExp) => Promise<RegExpExecArray>;
  readonly kill: (signal: Deno.Signal) => void;
  readonly ended: Promise<Deno.CommandStatus>;
}

export interface TaskOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Permissions beyond the task's, for what a test puts elsewhere than a user would. */
  readonly grants?: readonly string[];
}

/** Starts the task; disposing kills it, should it still run. */
export function startTask(
  name: "dev" | "generator" | "backend" | "frontend" | "demo-app",
  { args = [], env = {}, grants = [] }: TaskOptions = {},
): TaskProcess {
  const words = denoConfig.tasks[name].command.split(" ");
  assert.equal(words[0], "deno");
  const child = new Deno.Command(Deno.execPath(), {
    args: [words[1]!, "--no-prompt", ...grants, ...words.slice(2), ...args],
    cwd: root,
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let printed = "";
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) printed += text;
  };
  const collected = Promise.all([collect(child.stdout), collect(child.stderr)]);
  let status: Deno.CommandStatus | undefined;
  const ended = child.status.then(async (value) => {
    await collected;
    return status = value;
  });
  const kill = (signal: Deno.Signal) => {
    if (status === undefined) child.kill(signal);
  };
  return {
    output: () => printed,
    printed: (pattern) =>
      waitUntil(() => {
        const found = pattern.exec(printed);
        if (found === null && status !== undefined) {
          throw new Error(`${name} ended with ${status.code}:\n${printed}`);
        }
        return found;
      }, { deadlineMs: 60_000, what: `${pattern} from ${name}` }),
    kill,
    ended,
    async [Symbol.asyncDispose]() {
      kill("SIGKILL");
      await ended;
    },
  };
}
