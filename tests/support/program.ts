import { fileURLToPath } from "node:url";
import { waitUntil } from "./wait_until.ts";

const root = new URL("../../", import.meta.url);

/** A task of deno.json that runs one of the programs. */
export type ProgramTask = "generator" | "backend" | "frontend" | "demo-app" | "dev" | "migrate";

export interface ProgramOptions {
  readonly args?: readonly string[];
  /** Besides the variables that Deno itself needs; none of the caller's `APP_` ones. */
  readonly env?: Readonly<Record<string, string>>;
  /** Working folder; the project's own unless given. */
  readonly cwd?: string;
}

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One of the programs as a person starts it: with its task's permissions, and asking for no more. */
export class Program implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #ended: Promise<Outcome>;
  #over = false;
  stdout = "";
  stderr = "";

  constructor(task: ProgramTask, { args = [], env = {}, cwd }: ProgramOptions = {}) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [...taskArguments(task), ...args],
      cwd: cwd ?? fileURLToPath(root),
      clearEnv: true,
      env: { ...inherited(), ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#ended = this.#collect();
  }

  /** Resolves when the process has ended. */
  async outcome(): Promise<Outcome> {
    await waitUntil(() => this.#over, { deadlineMs: 60_000, what: `an end; ${this.said}` });
    return await this.#ended;
  }

  get said(): string {
    return `it said:\n${this.stdout}${this.stderr}`;
  }

  /** Resolves once standard output has what is looked for. */
  async says(expected: RegExp): Promise<void> {
    await waitUntil(() => expected.test(this.stdout) || this.#over, {
      deadlineMs: 60_000,
      what: `${expected}; ${this.said}`,
    });
    if (!expected.test(this.stdout)) throw new Error(`Ended without ${expected}; ${this.said}`);
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  async #collect(): Promise<Outcome> {
    const [, , { code }] = await Promise.all([
      read(this.#child.stdout, (text) => this.stdout += text),
      read(this.#child.stderr, (text) => this.stderr += text),
      this.#child.status,
    ]);
    this.#over = true;
    return { code, stdout: this.stdout, stderr: this.stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#over) this.#child.kill("SIGKILL");
    await this.#ended;
  }
}

/** Runs a program to its end. */
export async function runProgram(task: ProgramTask, options?: ProgramOptions): Promise<Outcome> {
  await using program = new Program(task, options);
  return await program.outcome();
}

async function read(stream: ReadableStream<Uint8Array>, take: (text: string) => void) {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) take(text);
}

/** `deno run` as the task has it, from any working folder. */
function taskArguments(task: ProgramTask): readonly string[] {
  const { tasks } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", root)));
  const [, run, ...args]: string[] = tasks[task].command.split(" ");
  const config = fileURLToPath(new URL("deno.json", root));
  const placed = args.map((arg) => arg.endsWith(".ts") ? fileURLToPath(new URL(arg, root)) : arg);
  return [run!, "--quiet", "--no-prompt", `--config=${config}`, ...placed];
}

function inherited(): Record<string, string> {
  const names = ["PATH", "HOME", "DENO_DIR", "TMPDIR", "SystemRoot", "LOCALAPPDATA"];
  return Object.fromEntries(names.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}
