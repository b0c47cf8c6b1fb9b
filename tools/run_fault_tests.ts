/**
 * `deno task test:faults [SCENARIO…]`
 *
 * Runs the scenarios in tests/faults, or those named, one after the other. They
 * are not named `_test.ts` so that `deno task test`, which people run all day,
 * stays quick. Each starts a RabbitMQ and a PostgreSQL of its own from the
 * installed servers, and fails where there are none: nothing is ignored.
 */
import process from "node:process";
import { fileURLToPath } from "node:url";
import { tempFolder } from "./services/temp_folder.ts";
import { testEnvironment } from "./test_environment.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const folder = "tests/faults";
/** Three times what they take on a quiet machine. */
const longestMs = 2_400_000;

const say = (line: string) => process.stderr.write(`${line}\n`);

async function scenarios(): Promise<readonly string[]> {
  const files = await Array.fromAsync(Deno.readDir(`${root}${folder}`));
  return files.map(({ name }) => name.replace(/\.ts$/, "")).sort();
}

async function main(signal: AbortSignal): Promise<number> {
  const all = await scenarios();
  const unknown = Deno.args.filter((name) => !all.includes(name));
  if (unknown.length > 0) {
    say(`No such scenario: ${unknown.join(", ")}. There are: ${all.join(", ")}`);
    return 2;
  }
  const chosen = Deno.args.length > 0 ? Deno.args : all;
  // Servers and services that a killed test leaves behind have their files here.
  await using temporary = await tempFolder("demo-app-faults-");
  // PostgreSQL, which runs as another user, must get to its own folder below.
  if (Deno.build.os !== "windows") await Deno.chmod(temporary.path, 0o711);
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["test", "--lock=tests/deno.lock", "--frozen", "--allow-all"],
      ...chosen.map((name) => `${folder}/${name}.ts`),
    ],
    cwd: root,
    clearEnv: true,
    env: { ...testEnvironment(Deno.env.toObject()), TMPDIR: temporary.path },
    stdin: "null",
    // A process group, to end with all that the tests started.
    detached: true,
  }).spawn();
  const endGroup = () => {
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // Nothing of it is left.
    }
  };
  const late = setTimeout(() => {
    say(`Stopped after ${longestMs / 60_000} minutes, the most that it may take`);
    endGroup();
  }, longestMs);
  signal.addEventListener("abort", endGroup);
  const { code } = await child.status;
  clearTimeout(late);
  endGroup();
  return signal.aborted ? 130 : code;
}

const controller = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.addSignalListener(name, () => controller.abort());
}
process.exit(await main(controller.signal));
