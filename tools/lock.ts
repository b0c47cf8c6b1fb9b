/**
 * `lock.ts write` brings both lock files up to date; `lock.ts fresh` fails if
 * `deno.lock` is not what it would write.
 *
 * `deno task` downloads all that `deno.lock` names, whatever the task needs. So
 * it names only what the programs load; `tests/deno.lock` pins everything, the
 * same versions of course, and is what tests, checks and benchmarks run on.
 */
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const [whole, part] = [`${root}tests/deno.lock`, `${root}deno.lock`];
/** Each of them starts a graph of its own: a worker is in nobody's. */
const programs = [
  "services/cli/main.ts",
  "services/backend/store/embedded/pglite_worker.ts",
  "services/backend/archive/write_day_file.ts",
  "deploy/healthcheck.ts",
];

/** The parts of a lock file that are read here. */
interface LockFile {
  readonly specifiers: Readonly<Record<string, string>>;
  readonly npm: Readonly<Record<string, LockedPackage>>;
}

interface LockedPackage {
  readonly dependencies?: readonly string[];
  readonly optionalDependencies?: readonly string[];
}

/** The part of `deno info --json` that is read here. */
interface Graph {
  readonly modules: readonly {
    readonly dependencies?: readonly { readonly code?: { readonly specifier?: string } }[];
  }[];
}

async function deno(...args: readonly string[]): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: root,
    stderr: "inherit",
  });
  const { success, stdout } = await command.output();
  if (!success) process.exit(1);
  return new TextDecoder().decode(stdout);
}

/** What the programs import from npm when they run, as the lock file names it, be it below a package. */
async function importsOfPrograms(): Promise<readonly string[]> {
  const specifiers = new Set<string>();
  for (const program of programs) {
    const { modules }: Graph = JSON.parse(await deno("info", "--json", `--lock=${whole}`, program));
    for (const { code } of modules.flatMap(({ dependencies = [] }) => dependencies)) {
      // Of text, `npm:/name@version/path`.
      const [, imported] = /^npm:\/?(.+)/.exec(code?.specifier ?? "") ?? [];
      if (imported !== undefined) specifiers.add(`npm:${imported}`);
    }
  }
  return [...specifiers];
}

/** The lock file with no more than these imports need. */
function lockOf<Lock extends LockFile>(lock: Lock, imports: readonly string[]): Lock {
  const specifiers = Object.entries(lock.specifiers).filter(([name]) =>
    imports.some((used) => used === name || used.startsWith(`${name}/`))
  );
  const needed = new Set<string>();
  const pending = specifiers.map(([name, version]) =>
    `${name.slice("npm:".length, name.lastIndexOf("@"))}@${version}`
  );
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    const { dependencies = [], optionalDependencies = [] } = lock.npm[id]!;
    if (needed.has(id)) continue;
    needed.add(id);
    pending.push(...[...dependencies, ...optionalDependencies].map((name) => idOf(lock, name)));
  }
  const npm = Object.entries(lock.npm).filter(([id]) => needed.has(id));
  return { ...lock, specifiers: Object.fromEntries(specifiers), npm: Object.fromEntries(npm) };
}

/** A package's dependency is named without a version where there is only one. */
function idOf({ npm }: LockFile, name: string): string {
  return name in npm ? name : Object.keys(npm).find((id) => id.startsWith(`${name}@`))!;
}

async function wanted(): Promise<string> {
  const lock: LockFile = JSON.parse(await Deno.readTextFile(whole));
  return `${JSON.stringify(lockOf(lock, await importsOfPrograms()), undefined, 2)}\n`;
}

switch (Deno.args[0]) {
  case "write":
    await deno("check", "--quiet", `--lock=${whole}`, "--frozen=false");
    await Deno.writeTextFile(part, await wanted());
    break;
  case "fresh":
    if (await Deno.readTextFile(part) !== await wanted()) {
      process.stderr.write(
        "deno.lock is not what the programs need of tests/deno.lock\nRun: deno task lock\n",
      );
      process.exit(1);
    }
    break;
  default:
    process.stderr.write("Usage: lock.ts write | fresh\n");
    process.exit(2);
}
