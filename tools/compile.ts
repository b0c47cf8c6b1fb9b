/**
 * `deno task compile [program…] [arguments of deno compile, such as --target=…]`
 *
 * Writes the programs to `dist`, all of them if none is named, as executables
 * that need nothing installed. Each has the permissions of its task in
 * deno.json, for good.
 */
import process from "node:process";
import { fileURLToPath } from "node:url";
import config from "../deno.json" with { type: "json" };

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

async function deno(...args: readonly string[]): Promise<Deno.CommandOutput> {
  const command = new Deno.Command(Deno.execPath(), { args: [...args], cwd: root });
  return await command.output();
}

/**
 * Folders to leave out: bintrees, which prom-client computes quantiles with,
 * ships 100,000 numbers to test itself, and the compiler, which takes them for
 * one long difference, overflows its stack on them.
 */
async function excluded(): Promise<readonly string[]> {
  await deno("cache", "--frozen", "services/cli/main.ts", databaseWorker);
  const { stdout } = await deno("info", "--json");
  const { npmCache } = JSON.parse(new TextDecoder().decode(stdout)) as {
    readonly npmCache: string;
  };
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

const exclude = (await excluded()).map((folder) => `--exclude=${folder}`);
const named = programs.filter((program) => Deno.args.includes(program));
const passedOn = Deno.args.filter((arg) => !programs.some((program) => program === arg));
const failed: string[] = [];
for (const program of named.length > 0 ? named : programs) {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["compile", "--frozen", "--exclude-unused-npm", "--output", `dist/${program}`],
      ...exclude,
      ...passedOn,
      ...taskArguments(program),
    ],
    cwd: root,
  }).spawn().status;
  if (!success) failed.push(program);
}
if (failed.length > 0) {
  process.stderr.write(`Cannot compile ${failed.join(", ")}\n`);
  process.exit(1);
}
