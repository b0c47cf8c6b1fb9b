/**
 * `deno task bench:abuse [--minutes=10] [--devices=100000] [--only=WORD] [--folder=CHECKOUT]
 *   [--own-services]`
 *
 * What hostile clients, and honest ones in a crowd, can do to one backend and
 * one frontend: each abuse in turn, then all at once. Prints Markdown: memory
 * before, at its peak and 60 s after, and the longest that `/readyz` took.
 */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import denoConfig from "../deno.json" with { type: "json" };
import { type Abuse, abuses, type Target } from "./abuse/abuses.ts";
import { Observed, type Seen } from "./abuse/observed.ts";
import { backend, run } from "./ingest/contender.ts";
import { markdownTable } from "./ingest/markdown_table.ts";
import { megabytes, orDash, print, say, whole } from "./ingest/output.ts";
import { openSite, resetTables } from "./ingest/site.ts";
import { runMain } from "./run_main.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const afterMs = 60_000;
/** Between two abuses, so that what one leaves behind is not the next one's peak. */
const betweenMs = 5_000;

const allAtOnce: Abuse = {
  name: "all of them at once",
  run: (target, signal) => Promise.all(abuses.map((abuse) => abuse.run(target, signal))),
};

async function main(signal: AbortSignal): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "10" },
      devices: { type: "string", default: "100000" },
      folder: { type: "string", default: root },
      only: { type: "string", default: "" },
      "own-services": { type: "boolean", default: false },
    },
  });
  const [minutes, devices] = [Number(values.minutes), Number(values.devices)];
  if (!(minutes > 0)) throw new TypeError("--minutes: expected a number above 0");
  if (!(devices >= 1)) throw new TypeError("--devices: expected a number from 1");
  const folder = resolve(values.folder);

  await using open = new AsyncDisposableStack();
  const site = await openSite(open, { ownServices: values["own-services"], signal, say });
  say(`Writing ${whole(devices)} devices`);
  await resetTables(site, devices);
  const { rows } = await site.pg.query<{ device_id: string }>(
    "select device_id from iot_devices order by device_id limit 3000",
  );

  const api = open.use(backend("backend", { folder }).start(site, 0));
  const addresses = ready(await api.printed("Backend is ready"), "Backend is ready");
  const apiPort = Number(new URL(addresses["api"]!).port);
  const pages = open.use(run(
    folder,
    ["run", ...denoConfig.tasks.frontend.command.split(" ").slice(2), "--log-format=json"],
    {
      APP_FRONTEND_HOST: "127.0.0.1",
      APP_FRONTEND_HTTP_PORT: "0",
      APP_FRONTEND_BACKEND_URL: `127.0.0.1:${apiPort}`,
    },
  ));
  const { url: pagesUrl } = ready(await pages.printed("Serving pages"), "Serving pages");
  const target: Target = {
    apiPort,
    pagesPort: Number(new URL(pagesUrl!).port),
    deviceIds: rows.map(({ device_id: id }) => id),
  };
  const services = [
    open.use(new Observed(api.pid, new URL(addresses["metrics"]!).origin)),
    open.use(new Observed(pages.pid, new URL(pagesUrl!).origin)),
  ];

  const lines: string[][] = [];
  const note = async (name: string, seen: readonly Seen[] | undefined) => {
    const memory = seen?.map(({ peakBytes }) => peakBytes) ??
      await Promise.all(services.map((service) => service.residentBytes()));
    lines.push([
      name,
      ...memory.map((bytes) => orDash(megabytes(bytes), 0)),
      ...(seen?.map(({ readyMs }) => whole(readyMs)) ?? ["–", "–"]),
    ]);
    say(lines.at(-1)!.join(" | "));
  };
  await pause(betweenMs, signal);
  await note("before", undefined);
  const turns = [...abuses, allAtOnce].filter(({ name }) => name.includes(values.only));
  if (turns.length === 0) throw new TypeError(`--only: no abuse has "${values.only}" in its name`);
  for (const abuse of turns) {
    await Promise.all(services.map((service) => service.take()));
    await within(minutes * 60_000 / turns.length, signal, (stop) => abuse.run(target, stop));
    for (const service of [api, pages]) service.throwIfEnded();
    await note(abuse.name, await Promise.all(services.map((service) => service.take())));
    await pause(betweenMs, signal);
  }
  await pause(afterMs - betweenMs, signal);
  await note("60 s after", undefined);
  print(`${whole(devices)} devices, ${minutes} minutes; peak MB, and the longest /readyz in ms:`);
  print(markdownTable(
    ["", "backend MB", "frontend MB", "backend /readyz", "frontend /readyz"],
    lines,
  ));
}

/** The addresses in the line of a log that has `words`. */
function ready(printed: string, words: string): Readonly<Record<string, string>> {
  const line = printed.split("\n").find((line) => line.includes(words));
  return JSON.parse(line ?? "{}").properties;
}

/** Does something for so long; what it then still holds is closed. */
async function within(
  ms: number,
  signal: AbortSignal,
  work: (stop: AbortSignal) => Promise<unknown>,
): Promise<void> {
  const stop = AbortSignal.any([signal, AbortSignal.timeout(ms)]);
  await work(stop);
  signal.throwIfAborted();
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const stop = () => reject(signal.reason);
  signal.addEventListener("abort", stop);
  await promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  });
}

await runMain(main);
