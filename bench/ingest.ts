/**
 * `deno task bench:ingest [--full] [--help]`
 *
 * How fast readings get from the queue to the database, and how that compares
 * with what the parts could do at best: everything in one run and in turns, so
 * that the ratios hold on a machine that does other work. Prints Markdown.
 */
import { resolve } from "node:path";
import process from "node:process";
import { backend, bareLoop, type Contender } from "./ingest/contender.ts";
import { copyRows } from "./ingest/copy_rows.ts";
import { curveOfFleets, curveOfTables } from "./ingest/curves.ts";
import type { Drain } from "./ingest/drain.ts";
import { freshDrain } from "./ingest/filled_drain.ts";
import { latency, lookMs } from "./ingest/latency.ts";
import { describeMachine } from "./ingest/machine.ts";
import { markdownTable } from "./ingest/markdown_table.ts";
import { type BenchOptions, readOptions, usage } from "./ingest/options.ts";
import { megabytes, orDash, print, say, whole } from "./ingest/output.ts";
import { median } from "./ingest/percentile.ts";
import { checkSpace } from "./ingest/preload.ts";
import { openSite, resetTables, type Site } from "./ingest/site.ts";
import { presentSeconds, turnsOf } from "./ingest/workload.ts";
import { runMain } from "./run_main.ts";

const real = backend("backend");
const bare = bareLoop("bare loop", { database: true });
const noDatabase = bareLoop("bare loop, no database", { database: false });

async function main(options: BenchOptions, signal: AbortSignal): Promise<void> {
  await using open = new AsyncDisposableStack();
  const site = await openSite(open, { ...options, signal, say });
  print(`\`deno task bench:ingest ${Deno.args.join(" ")}\``.replace(" `", "`"));
  print(await describeMachine(site));
  if (options.tables.length > 0) await checkSpace(site, Math.max(...options.tables));
  const sections = options.onlyDrains || options.citus !== undefined
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

function varied({ vary }: BenchOptions): readonly Contender[] {
  return vary.map((flags) => backend(`backend ${flags}`, { flags: flags.split(" ") }));
}

async function drains(site: Site, options: BenchOptions, signal: AbortSignal): Promise<void> {
  const contenders = [
    real,
    ...varied(options),
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
    const fromSeconds = presentSeconds(turnsOf(options));
    copied.push(await copyRows(site, { ...options, fromSeconds }));
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
  if (options.rates.length === 0) return;
  const rows: string[][] = [];
  for (const rate of options.rates) {
    for (const contender of [real, ...varied(options)]) {
      await resetTables(site, devices);
      await site.channel.purgeQueue(site.sensorQueue);
      const { p50, p99, p999, longest, sentLateP99, cpuMicros } = await latency(site, contender, {
        rate,
        seconds,
        devices,
      });
      rows.push([
        contender.name,
        `${whole(rate)}/s`,
        ...[p50, p99, p999, longest, sentLateP99].map((ms) => ms.toFixed(0)),
        orDash(cpuMicros, 0),
      ]);
      say(`${contender.name}: latency at ${rate}/s: p99 ${p99.toFixed(0)} ms`);
    }
  }
  print(
    `Milliseconds from the instant at which a reading was to be sent until others can read its ` +
      `row, over ${seconds} s, looked at every ${lookMs} ms; CPU of all three in µs a reading:`,
  );
  print(
    markdownTable(
      ["", "steady rate", "p50", "p99", "p99.9", "longest", "sent late (p99)", "CPU"],
      rows,
    ),
  );
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

if (Deno.args.includes("--help")) {
  process.stdout.write(usage);
  process.exit(0);
}
await runMain((signal) => main(readOptions(Deno.args), signal));
