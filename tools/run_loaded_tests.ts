/**
 * `deno task test:loaded [--times=10] [arguments of deno task test]`
 *
 * Runs the tests so many times in a row while four other processes keep the
 * cores busy, and says of each run what passed, what failed and how long it
 * took: no test may depend on the machine's speed, or on who wins a race.
 */
import process from "node:process";
import { fileURLToPath } from "node:url";
import { loadedArguments } from "./loaded_arguments.ts";
import { sumSummaries, testSummary } from "./test_summary.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const busyProcesses = 4;

const say = (line: string) => process.stdout.write(`${line}\n`);

/** Processes that keep the cores busy; disposing ends them. */
function startLoad(): AsyncDisposable {
  const children = Array.from({ length: busyProcesses }, () =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-config", `${root}tools/busy_process.ts`],
      // They end with it, should this process be killed.
      stdin: "piped",
      stdout: "null",
    }).spawn());
  return {
    async [Symbol.asyncDispose]() {
      for (const child of children) {
        try {
          child.kill("SIGKILL");
        } catch {
          // It ended by itself, as after a Ctrl-C that reached the whole terminal.
        }
      }
      await Promise.all(children.map(async (child) => {
        await child.status;
        await child.stdin.close().catch(() => {});
      }));
    },
  };
}

/** One run: its status, and all that it printed. */
async function runTests(
  args: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly success: boolean; readonly output: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", `${root}tools/run_tests.ts`, ...args],
    cwd: root,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stop = () => {
    try {
      child.kill("SIGTERM");
    } catch {
      // It ended by itself.
    }
  };
  signal.addEventListener("abort", stop);
  let output = "";
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) output += text;
  };
  await Promise.all([collect(child.stdout), collect(child.stderr)]);
  const { success } = await child.status;
  signal.removeEventListener("abort", stop);
  return { success, output };
}

async function main(signal: AbortSignal): Promise<number> {
  const given = loadedArguments(Deno.args);
  if (given === undefined) {
    say("--times takes a whole number from 1 on");
    return 2;
  }
  const { times, passedOn } = given;
  await using _load = startLoad();
  say(`${times} runs, while ${busyProcesses} other processes keep the cores busy`);
  let failedRuns = 0;
  for (let run = 1; run <= times && !signal.aborted; run++) {
    const startedMs = performance.now();
    const { success, output } = await runTests(passedOn, signal);
    if (signal.aborted) break;
    const seconds = Math.round((performance.now() - startedMs) / 1_000);
    const { passed, failed } = sumSummaries([testSummary(output)]);
    say(`run ${run} of ${times}: ${passed} passed, ${failed} failed, ${seconds} s`);
    if (success) continue;
    failedRuns++;
    // What failed and why, which comes last; all of it where no test ran.
    say(output.slice(Math.max(0, output.search(/^ ERRORS $/m))));
  }
  if (signal.aborted) return 130;
  say(failedRuns === 0 ? `All ${times} runs passed` : `${failedRuns} of ${times} runs failed`);
  return failedRuns === 0 ? 0 : 1;
}

const controller = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.addSignalListener(name, () => controller.abort());
}
process.exit(await main(controller.signal));
