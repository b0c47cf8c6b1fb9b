/**
 * `deno task bench:storage [--quick] [--help]`
 *
 * What readings take as rows and packed, how fast they are packed, and what
 * questions take, side by side with the same readings as plain rows in one
 * table. In databases of its own, which go when it is done. Prints Markdown.
 */
import process from "node:process";
import { availableParallelism } from "node:os";
import { markdownTable } from "./ingest/markdown_table.ts";
import { orDash, print, whole } from "./ingest/output.ts";
import { runMain } from "./run_main.ts";
import { type Compared, compareInTurns, type Timed } from "./storage/compare_in_turns.ts";
import { compareWriting } from "./storage/compare_writing.ts";
import { readOptions, type StorageOptions, usage } from "./storage/options.ts";
import { rebuildIndexes } from "./storage/rebuild_indexes.ts";
import { chartOf, devicesTold, newestOf, pageOf } from "./storage/questions.ts";
import { fleetRun, noisyRun, slowRun } from "./storage/runs.ts";
import { openStorageSite, settle, type StorageSite } from "./storage/storage_site.ts";
import type { ReadingBytes } from "./storage/table_bytes.ts";
import { storeAndPack, type StoredFigures } from "./storage/store_and_pack.ts";

/** Above and below the values, as far as the noise goes. */
const noiseHeights = [0.5, 20];

/** Of five days, the most that is read from minutes. */
const fleetCharts = [
  { name: "a day", days: 1 },
  { name: "5 days", days: 5 },
  { name: "a week", days: 7 },
];

/** Whole days that devices have which have not been there for long. */
const otherDays = 2;

async function main(options: StorageOptions, signal: AbortSignal): Promise<void> {
  await using open = new AsyncDisposableStack();
  const site = await openStorageSite(open, { ...options, signal });
  const nowUs = Date.now() * 1_000;
  print(`\`deno task bench:storage ${Deno.args.join(" ")}\``.replace(" `", "`"));
  print(`${availableParallelism()} cores, Deno ${Deno.version.deno}; database: ${site.origin}`);

  await using fleetDatabase = await site.database();
  const fleet = fleetRun(options, nowUs);
  const figures = [
    await storeAndPack(fleetDatabase, [fleet], {
      name: "fleet at 5 s",
      plain: true,
      verified: true,
      signal,
    }),
  ];
  for (const height of noiseHeights) {
    await using database = await site.database();
    const run = noisyRun({ readings: options.noisy, height }, nowUs);
    const name = `white noise of ±${height}`;
    figures.push(
      await storeAndPack(database, [run], { name, plain: false, verified: false, signal }),
    );
  }
  printBytes([
    ...figures.flatMap(({ bytes }) => bytes),
    await rebuildIndexes(fleetDatabase.db, fleet.untilUs),
  ]);
  printWorks(figures);

  const deep = Math.min(10_000, fleet.turns(0) - 200);
  const pages = [["the first", 0], [`at depth ${whole(deep)}`, deep]] as const;
  printCompared(
    `${whole(fleet.readings)} readings at 5 s`,
    await compareInTurns(
      fleetDatabase,
      [
        ...pages.map(([name, depth]) => pageOf(fleetDatabase.db, fleet, { name, depth })),
        ...fleetCharts.filter(({ days }) => days <= options.days)
          .map((chart) => chartOf(fleetDatabase.db, fleet, chart)),
      ],
      options.samples,
      signal,
    ),
  );
  await compareLongRuns(site, options, { nowUs, signal });
}

/** Questions about devices that have been there for long, among others. */
async function compareLongRuns(
  site: StorageSite,
  { longDevices, longDays, devices, samples, written, rounds }: StorageOptions,
  { nowUs, signal }: { readonly nowUs: number; readonly signal: AbortSignal },
): Promise<void> {
  await using database = await site.database();
  const run = slowRun({ seed: 2, devices: longDevices, days: longDays }, nowUs);
  const others = slowRun({ seed: 3, devices, days: otherDays }, nowUs);
  const figures = await storeAndPack(database, [run, others], {
    name: "every 10 min",
    plain: true,
    verified: false,
    signal,
  });
  printBytes(figures.bytes);
  printWorks([figures]);
  const { db } = database;
  await devicesTold(db, [run, others]);
  const ago = run.turns(0) - 200;
  printCompared(
    `${whole(figures.readings)} readings at 10 min (${whole(longDevices)} devices have ` +
      `${whole(longDays)} days of them, and ${whole(devices)} have ${otherDays})`,
    await compareInTurns(
      database,
      [
        pageOf(db, run, { name: "the first", depth: 0 }),
        pageOf(db, run, { name: `${Math.round(ago / 144)} days back`, depth: ago }),
        chartOf(db, run, { name: "a day", days: 1 }),
        chartOf(db, run, { name: "a month", days: Math.min(30, longDays) }),
        chartOf(db, run, { name: "a year", days: Math.min(365, longDays) }),
        newestOf(db, [run, others], devices),
      ],
      samples,
      signal,
    ),
  );
  await settle(database);
  const writing = await compareWriting(database, others, { readings: written, rounds, signal });
  print(
    `${whole(written)} new readings by ingest's statements, CPU in µs a reading; the ratio is ` +
      `of rounds in turns, ${writing.ratio.toFixed(2)}:`,
  );
  print(markdownTable(
    ["", "readings/s", "own CPU", "PostgreSQL"],
    (["stored", "plain"] as const).map((name) => [
      name === "stored" ? "all on" : "one plain table",
      whole(writing[name].readingsPerSecond),
      writing[name].cpu.own.toFixed(2),
      orDash(writing[name].cpu.postgres ?? NaN, 2),
    ]),
  ));
}

function printBytes(forms: readonly ReadingBytes[]): void {
  print("Bytes a reading:");
  print(markdownTable(
    ["", "readings", "heap", "packed", "toast", "index", "all"],
    forms.map(({ form, readings, packed = NaN, ...bytes }) => [
      form,
      whole(readings),
      ...[bytes.heap, packed, bytes.toast, bytes.indexes, bytes.all]
        .map((size) => orDash(size / readings, 2)),
    ]),
  ));
}

function printWorks(figures: readonly StoredFigures[]): void {
  print("Work, CPU in µs a reading, of this process and of PostgreSQL:");
  print(markdownTable(
    ["", "readings", "readings/s", "own CPU", "PostgreSQL", "readings/s a core"],
    figures.flatMap(({ works }) => works).map(({ name, readings, seconds, cpu }) => {
      const own = cpu.own / readings;
      const all = own + (cpu.postgres ?? 0) / readings;
      return [
        name,
        whole(readings),
        whole(readings / seconds),
        own.toFixed(2),
        orDash((cpu.postgres ?? NaN) / readings, 2),
        whole(1_000_000 / all),
      ];
    }),
  ));
}

function printCompared(title: string, compared: readonly Compared[]): void {
  print(`${title}, in ms; the ratios are to the first, by p50 and by CPU:`);
  const cells = (timed: Timed, first: Timed) => [
    timed.p50.toFixed(2),
    timed.p99.toFixed(2),
    orDash(timed.cpu ?? NaN, 2),
    (timed.p50 / first.p50).toFixed(2),
    orDash((timed.cpu ?? NaN) / (first.cpu ?? NaN), 2),
  ];
  const heads = ["p50", "p99", "CPU", "ratio", "CPU"];
  print(markdownTable(
    ["", ...heads, ...heads.map((head) => `plain ${head}`)],
    compared.map(({ what, stored, plain }) => [
      what,
      ...cells(stored, compared[0]!.stored),
      ...cells(plain, compared[0]!.plain),
    ]),
  ));
}

if (Deno.args.includes("--help")) {
  process.stdout.write(usage);
  process.exit(0);
}
await runMain((signal) => main(readOptions(Deno.args), signal));
