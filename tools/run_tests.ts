/**
 * `deno task test [--require-all] [--own-services] [arguments of deno test]`
 *
 * Finds PostgreSQL, RabbitMQ, Chromium and PgBouncer, starts what servers are not
 * there, runs the tests, and stops what it started. Tests of what could not be
 * had are ignored, and named at the end; so are those of Citus, which is only
 * used where it is named. (A file named test.ts would itself be taken for a test.)
 */
import process from "node:process";
import { fileURLToPath } from "node:url";
import {
  ignoredTestsReport,
  type MissingService,
  optionalTestsReport,
} from "./ignored_tests_report.ts";
import { ignoredTests } from "./junit_report.ts";
import { moduleImports } from "./module_graph.ts";
import { findService, withoutPassword } from "./services/find_service.ts";
import { namedCitusUrl } from "./services/named_url.ts";
import { neededPrograms } from "./services/needed_programs.ts";
import { neededServices, optionalCitus } from "./services/needed_services.ts";
import { obtainService } from "./services/obtain_service.ts";
import { probeCitus } from "./services/probe.ts";
import { ServiceError } from "./services/service.ts";
import { tempFolder } from "./services/temp_folder.ts";
import { testArguments } from "./test_arguments.ts";
import { testEnvironment } from "./test_environment.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
/** All of them: the browser driver reads below /proc, which no narrower permission covers. */
const permissions = ["--allow-all"];

/** Most test files side by side, unless DENO_JOBS says otherwise: each may need a GB of memory. */
const mostJobs = 4;

const say = (line: string) => process.stderr.write(`${line}\n`);

async function main(signal: AbortSignal): Promise<number> {
  const { requireAll, ownServices, passedOn } = testArguments(Deno.args);
  const environment = Deno.env.toObject();
  await using open = new AsyncDisposableStack();
  const missing: MissingService[] = [];
  const found: Record<string, string> = {};

  for (const needed of neededServices) {
    const service = await obtainService(needed, { environment, ownServices, signal, warn: say });
    if (service === undefined) {
      missing.push(needed);
      say(`${needed.name}: none found`);
      continue;
    }
    open.use(service);
    found[needed.variable] = service.url;
    say(`${needed.name}: ${withoutPassword(service.url)} (${service.origin})`);
  }
  for (const needed of neededPrograms) {
    const path = await needed.find(environment[needed.variable]);
    if (path === undefined) missing.push(needed);
    else found[needed.variable] = path;
    say(`${needed.name}: ${path ?? "none found"}`);
  }
  const named = namedCitusUrl(environment);
  const citus = await findService({ probe: probeCitus, named, usualUrl: undefined });
  if (citus !== undefined) found["TEST_CITUS_URL"] = citus.url;
  say(`Citus: ${citus === undefined ? "none named" : withoutPassword(citus.url)}\n`);
  signal.throwIfAborted();

  if (requireAll && missing.length > 0) {
    for (const { name, supply } of missing) say(`Missing: ${name}. Try: ${supply.join(", or: ")}`);
    return 1;
  }

  const folder = open.use(await tempFolder("demo-app-test-"));
  const reportPath = `${folder.path}/report.xml`;
  const status = await runTests(
    ["--parallel", ...permissions, `--junit-path=${reportPath}`, ...passedOn],
    {
      DENO_JOBS: String(Math.min(navigator.hardwareConcurrency, mostJobs)),
      ...testEnvironment(environment),
      ...found,
      TEST_PGLITE_TEMPLATE: `${folder.path}/pglite`,
    },
    signal,
  );
  const all = await readIgnored(reportPath);
  const extra = all.filter(({ name }) => optionalCitus.testsNamed.test(name));
  if (extra.length > 0) say(`\n${optionalTestsReport(extra, optionalCitus)}`);
  const ignored = all.filter((test) => !extra.includes(test));
  if (ignored.length === 0) return status;
  const imports = await moduleImports([...new Set(ignored.map(({ file }) => file))]);
  say(`\n${ignoredTestsReport(ignored, missing, imports)}`);
  return requireAll ? 1 : status;
}

async function runTests(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "--lock=tests/deno.lock", "--frozen", ...args],
    cwd: root,
    clearEnv: true,
    env,
    stdin: "inherit",
  }).spawn();
  const stop = () => {
    try {
      child.kill("SIGINT");
    } catch {
      // It ended by itself: a Ctrl-C reaches the whole terminal.
    }
  };
  signal.addEventListener("abort", stop);
  const { code } = await child.status;
  signal.removeEventListener("abort", stop);
  return code;
}

async function readIgnored(reportPath: string) {
  try {
    return ignoredTests(await Deno.readTextFile(reportPath));
  } catch (error) {
    // No test ran: a type error, or a filter that matched nothing.
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

const controller = new AbortController();
const signals: Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];
for (const name of signals) {
  // Further signals change nothing: stopping what was started is bounded in time.
  Deno.addSignalListener(name, () => controller.abort(new ServiceError(`Stopped by ${name}`)));
}
let status = 1;
try {
  status = await main(controller.signal);
} catch (error) {
  if (!(error instanceof ServiceError)) throw error;
  say(error.message);
}
process.exit(controller.signal.aborted ? 130 : status);
