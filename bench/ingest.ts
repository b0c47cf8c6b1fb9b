/**
 * `deno task bench:ingest [--full] [--help]`
 *
 * How fast readings get from the queue to the database, and how that compares
 * with what the parts could do at best: everything in one run and in turns, so
 * that the ratios hold on a machine that does other work. Prints Markdown.
 */
import { resolve } from "node:path";
import process from "node:process";
import { type BenchOptions, readOptions, usage } from "./ingest/options.ts";
import { backend, bareLoop, type Contender } from "./ingest/contender.ts";
import { copyRows, preload } from "./ingest/copy_rows.ts";
import { type Drain, drain } from "./ingest/drain.ts";
import { fillQueue } from "./ingest/fill_queue.ts";
import { latency, lookMs } from "./ingest/latency.ts";
import { describeMachine } from "./ingest/machine.ts";
import { markdownTable } from "./ingest/markdown_table.ts";
import { median } from "./ingest/percentile.ts";
import { checkpoint, openSite, resetTables, type Site } from "./ingest/site.ts";
import { ServiceError } from "../tools/services/service.ts";
import type { Workload } from "./ingest/workload.ts";

const print = (text: string) => process.stdout.write(`${text}\n\n`);
const say = (line: string) => process.stderr.write(`${line}\n`);
const real = backend("backend");
const bare = bareLoop("bare loop", { database: true });
const noDatabase = bareLoop("bare loop, no database", { database: false });

async function main(options: BenchOptions, signal: AbortSignal): Promise<void> {
  await using open = new AsyncDisposableStack();
  const site = await openSite(open, { ownServices: options.ownServices, signal, say });
  print(`\`deno task bench:ingest ${Deno.args.join(" ")}\``.replace(" `", "`"));
  print(await describeMachine(site));
  const sections = options.onlyDrains
    ? [drains]
    : [drains, latencies, curveOfFleets, curveOfTables, backlogMemory];
  for (const section of sections) {
    signal.throwIfAborted();
    await section(site, options, signal);
  }
}

function profiled(folder: string): Contender {
  const denoFlags = [`--cpu-prof-dir=${resolve(folder)}`, "--cpu-prof-md"];
  return backend("backend, profiled", { denoFlags });
}

/** One drain on tables that hold nothing but the devices, or what `prepare` adds. */
async function freshDrain(
  site: Site,
  contender: Contender,
  workload: Workload,
  prepare?: () => Promise<void>,
): Promise<Drain> {
  await resetTables(site, workload.devices);
  await prepare?.();
  await fillQueue(site, workload);
  await checkpoint(site);
  const until = contender === noDatabase ? "done" : "committed";
  const measured = await drain(site, contender, { readings: workload.readings, until });
  const micros = Object.entries(measured.cpuMicros).map(([name, us]) =>
    `${name} ${us?.toFixed(1)}`
  );
  say(
    `${contender.name}: ${whole(measured.readingsPerSecond)} readings/s; µs: ${micros.join(", ")}`,
  );
  return measured;
}

async function drains(site: Site, options: BenchOptions, signal: AbortSignal): Promise<void> {
  const contenders = [
    real,
    ...options.vary.map((flags) => backend(`backend ${flags}`, { flags: flags.split(" ") })),
    ...options.against.map((folder) => backend(`backend of ${folder}`, { folder })),
    ...(options.profile === undefined ? [] : [profiled(options.profile)]),
    bare,
    ...(options.onlyDrains ? [] : [noDatabase]),
  ];
  const measured = new Map<Contender, Drain[]>(contenders.map((contender) => [contender, []]));
  const copied: number[] = [];
  for (let round = 0; round < options.rounds; round++) {
    for (const contender of contenders) {
      signal.throwIfAborted();
      measured.get(contender)!.push(await freshDrain(site, contender, options));
    }
    if (options.onlyDrains) continue;
    await resetTables(site, options.devices);
    copied.push(await copyRows(site, options));
  }
  const rate = (contender: Contender) =>
    median(measured.get(contender)!.map(({ readingsPerSecond }) => readingsPerSecond));
  // Of drains that followed each other: what else the machine does changes between rounds.
  const toBare = (contender: Contender) =>
    median(
      measured.get(contender)!.map(({ readingsPerSecond }, round) =>
        readingsPerSecond / measured.get(bare)![round]!.readingsPerSecond
      ),
    );
  const cpu = (contender: Contender, name: keyof Drain["cpuMicros"]) =>
    median(measured.get(contender)!.map(({ cpuMicros }) => cpuMicros[name] ?? NaN));
  const allCpu = (contender: Contender) =>
    cpu(contender, "consumer") + cpu(contender, "broker") + cpu(contender, "postgres");
  print(
    `${whole(options.readings)} readings of ${whole(options.devices)} devices, medians of ` +
      `${options.rounds} rounds in turns. Ratios are to the bare loop, within a round; CPU is in ` +
      `µs a reading, of the consumer, the broker, PostgreSQL and all three:`,
  );
  print(markdownTable(
    ["", "readings/s", "ratio", "CPU", "broker", "PostgreSQL", "all", "ratio", "peak MB"],
    [
      ...contenders.map((contender) => [
        contender.name,
        whole(rate(contender)),
        toBare(contender).toFixed(2),
        orDash(cpu(contender, "consumer"), 1),
        orDash(cpu(contender, "broker"), 1),
        ...(contender === noDatabase ? ["–", "–", "–"] : [
          orDash(cpu(contender, "postgres"), 1),
          orDash(allCpu(contender), 1),
          orDash(allCpu(contender) / allCpu(bare), 2),
        ]),
        orDash(median(measured.get(contender)!.map(({ peakBytes }) => megabytes(peakBytes))), 0),
      ]),
      ...(copied.length === 0 ? [] : [[
        "COPY of the same rows, no queue",
        whole(median(copied)),
        (median(copied) / rate(bare)).toFixed(2),
        ...["–", "–", "–", "–", "–", "–"],
      ]]),
    ],
  ));
}

async function latencies(site: Site, options: BenchOptions): Promise<void> {
  const { devices, latencySeconds: seconds } = options;
  const rows: string[][] = [];
  for (const rate of options.rates) {
    await resetTables(site, devices);
    await site.channel.purgeQueue(site.sensorQueue);
    const { p50, p99, p999, longest, sentLateP99 } = await latency(site, real, {
      rate,
      seconds,
      devices,
    });
    rows.push([
      `${whole(rate)}/s`,
      ...[p50, p99, p999, longest, sentLateP99].map((ms) => ms.toFixed(0)),
    ]);
    say(`latency at ${rate}/s: p99 ${p99.toFixed(0)} ms`);
  }
  print(
    `Milliseconds from the instant at which a reading was to be sent until others can read its ` +
      `row, over ${seconds} s, looked at every ${lookMs} ms:`,
  );
  print(markdownTable(["steady rate", "p50", "p99", "p99.9", "longest", "sent late (p99)"], rows));
}

async function curveOfFleets(site: Site, options: BenchOptions): Promise<void> {
  await curve(site, options, "devices", [options.devices, ...options.fleets], (devices) => ({
    workload: { readings: options.readings, devices },
  }));
}

async function curveOfTables(site: Site, options: BenchOptions): Promise<void> {
  await curve(site, options, "rows stored before", [0, ...options.tables], (rows) => ({
    workload: options,
    prepare: () => preload(site, rows, options.devices),
  }));
}

async function curve(
  site: Site,
  options: BenchOptions,
  name: string,
  points: readonly number[],
  at: (point: number) => { readonly workload: Workload; readonly prepare?: () => Promise<void> },
): Promise<void> {
  if (points.length < 2) return;
  const measured = new Map<number, Drain[]>(points.map((point) => [point, []]));
  for (let round = 0; round < Math.min(2, options.rounds); round++) {
    for (const point of points) {
      const { workload, prepare } = at(point);
      measured.get(point)!.push(await freshDrain(site, real, workload, prepare));
    }
  }
  const medianOf = (point: number, value: (drain: Drain) => number | undefined) =>
    median(measured.get(point)!.map((drain) => value(drain) ?? NaN));
  const first = points[0]!;
  print(markdownTable(
    [name, "readings/s", "to the first", "PostgreSQL's CPU µs", "to the first"],
    points.map((point) => {
      const [rate, firstRate] = [point, first].map((at) =>
        medianOf(at, (d) => d.readingsPerSecond)
      );
      const [cpu, firstCpu] = [point, first].map((at) => medianOf(at, (d) => d.cpuMicros.postgres));
      return [
        whole(point),
        whole(rate!),
        (rate! / firstRate!).toFixed(2),
        orDash(cpu!, 1),
        orDash(cpu! / firstCpu!, 2),
      ];
    }),
  ));
}

async function backlogMemory(site: Site, { backlog, devices }: BenchOptions): Promise<void> {
  if (backlog === 0) return;
  const measured = await freshDrain(site, real, { readings: backlog, devices });
  print(markdownTable(["messages waiting", "readings/s", "peak MB of the backend"], [[
    whole(backlog),
    whole(measured.readingsPerSecond),
    orDash(megabytes(measured.peakBytes), 0),
  ]]));
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}

function megabytes(bytes: number | undefined): number {
  return (bytes ?? NaN) / 2 ** 20;
}

/** A dash where it could not be measured. */
function orDash(value: number, digits: number): string {
  return Number.isNaN(value) ? "–" : value.toFixed(digits);
}

if (Deno.args.includes("--help")) {
  process.stdout.write(usage);
  process.exit(0);
}
const controller = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(name, () => controller.abort(new ServiceError(`Stopped by ${name}`)));
}
let status = 0;
try {
  await main(readOptions(Deno.args), controller.signal);
} catch (error) {
  status = 1;
  if (error instanceof ServiceError || error instanceof TypeError) say(error.message);
  else throw error;
}
process.exit(status);
