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

/** Permissions and entrypoint of the program's task. */
function taskArguments(program: typeof programs[number]): readonly string[] {
  const [deno, run, ...rest] = config.tasks[program].command.split(" ");
  if (deno !== "deno" || run !== "run") throw new Error(`Task ${program} is no "deno run"`);
  return rest;
}

const named = programs.filter((program) => Deno.args.includes(program));
const passedOn = Deno.args.filter((arg) => !programs.some((program) => program === arg));
const failed: string[] = [];
for (const program of named.length > 0 ? named : programs) {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["compile", "--frozen", "--exclude-unused-npm", "--output", `dist/${program}`],
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
