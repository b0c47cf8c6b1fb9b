/**
 * `deno task compile [program…] [arguments of deno compile, such as --target=…]`
 *
 * Writes the programs to `dist`, all of them if none is named, as executables
 * that need nothing installed. Each has the permissions of its task in
 * deno.json, for good.
 */
import process from "node:process";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import config from "../deno.json" with { type: "json" };
import { downloadFailure } from "./download_failure.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const programs = ["generator", "backend", "frontend", "demo-app"] as const;
/** Started by its address, so the compiler doesn't see that it is needed. */
const databaseWorker = "services/backend/store/embedded/pglite_worker.ts";

/** Permissions and entrypoint of the program's task. */
function taskArguments(program: typeof programs[number]): readonly string[] {
  const [deno, run, ...rest] = config.tasks[program].command.split(" ");
  if (deno !== "deno" || run !== "run") throw new Error(`Task ${program} is no "deno run"`);
  return ["backend", "demo-app"].includes(program)
    ? [`--include=${databaseWorker}`, ...rest]
    : rest;
}

/** Why nothing can be compiled. */
class CannotCompileError extends Error {
  override readonly name = "CannotCompileError";
}

/**
 * What `deno` prints.
 *
 * @throws {CannotCompileError} if it fails.
 */
async function deno(...args: readonly string[]): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), { args: [...args], cwd: root });
  const { success, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  const problem = stripVTControlCharacters(decoder.decode(stderr)).trim();
  const why = downloadFailure(problem) ?? `deno ${args.join(" ")} failed:\n${problem}`;
  throw new CannotCompileError(`Cannot compile: ${why}`);
}

/**
 * Folders to leave out: bintrees, which prom-client computes quantiles with,
 * ships 100,000 numbers to test itself, and the compiler, which takes them for
 * one long difference, overflows its stack on them.
 */
async function excluded(): Promise<readonly string[]> {
  await deno("cache", "--frozen", "services/cli/main.ts", databaseWorker);
  const info = await deno("info", "--json");
  // As `deno info` of the pinned version prints it.
  const { npmCache } = JSON.parse(info) as { readonly npmCache: string };
  const folders: string[] = [];
  for await (const registry of Deno.readDir(npmCache)) {
    const versions = `${npmCache}/${registry.name}/bintrees`;
    try {
      for await (const { name } of Deno.readDir(versions)) folders.push(`${versions}/${name}/test`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return folders;
}

/**
 * Compiles one program.
 *
 * @returns why that failed, if it did.
 */
async function compile(program: string, args: readonly string[]): Promise<string | undefined> {
  const child = new Deno.Command(Deno.execPath(), {
    // Types are the gate's, and those of `pg` no program needs.
    args: ["compile", "--frozen", "--no-check", "--exclude-unused-npm", ...args],
    cwd: root,
    stdout: "inherit",
    stderr: "piped",
  }).spawn();
  // What it does is shown at once; what it ends with may be told in fewer words.
  let unfinished = "";
  let ending = "";
  for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
    const lines = (unfinished + text).split("\n");
    unfinished = lines.pop()!;
    for (const line of lines) {
      if (ending !== "" || stripVTControlCharacters(line).startsWith("error")) {
        ending += `${line}\n`;
      } else process.stderr.write(`${line}\n`);
    }
  }
  ending += unfinished;
  if ((await child.status).success) return undefined;
  const download = downloadFailure(stripVTControlCharacters(ending));
  if (download === undefined) process.stderr.write(ending);
  return `Cannot compile ${program}: ${download ?? "see above"}`;
}

const named = programs.filter((program) => Deno.args.includes(program));
const passedOn = Deno.args.filter((arg) => !programs.some((program) => program === arg));
const failures: string[] = [];
try {
  const exclude = (await excluded()).map((folder) => `--exclude=${folder}`);
  for (const program of named.length > 0 ? named : programs) {
    const failure = await compile(program, [
      ...["--output", `dist/${program}`],
      ...exclude,
      ...passedOn,
      ...taskArguments(program),
    ]);
    if (failure === undefined) continue;
    failures.push(failure);
    // The others would want the same.
    if (failure.includes("cannot download")) break;
  }
} catch (error) {
  if (!(error instanceof CannotCompileError)) throw error;
  failures.push(error.message);
}
for (const failure of failures) process.stderr.write(`${failure}\n`);
process.exit(failures.length > 0 ? 1 : 0);
