import { backend } from "./contender.ts";
import type { Drain } from "./drain.ts";
import { filledDrain, freshDrain } from "./filled_drain.ts";
import { markdownTable } from "./markdown_table.ts";
import type { BenchOptions } from "./options.ts";
import { orDash, print, say, whole } from "./output.ts";
import { median } from "./percentile.ts";
import { preload } from "./preload.ts";
import { resetTables, restTables, type Site, withOwnDatabase } from "./site.ts";
import { turnsOf } from "./workload.ts";

/** A size, and drains at it beside drains at the size that all are compared with, round by round. */
interface Point {
  readonly size: number;
  readonly rounds: readonly { readonly base: Drain; readonly at: Drain }[];
}

const real = backend("backend");

/** The same readings from more devices. */
export async function curveOfFleets(
  site: Site,
  options: BenchOptions,
  signal: AbortSignal,
): Promise<void> {
  const points: Point[] = [];
  for (const size of options.fleets) {
    say(`In turns: ${whole(options.devices)} devices, ${whole(size)} devices`);
    const rounds = await inTurns(options, signal, {
      base: () => freshDrain(site, real, options),
      at: () => freshDrain(site, real, { ...options, devices: size }),
    });
    points.push({ size, rounds });
  }
  printCurve("devices", options.devices, points, options);
}

/** The same readings into a database that already has many, which grows from size to size. */
export async function curveOfTables(
  site: Site,
  options: BenchOptions,
  signal: AbortSignal,
): Promise<void> {
  if (options.tables.length === 0) return;
  await using open = new AsyncDisposableStack();
  const large = await withOwnDatabase(open, site);
  await resetTables(large, options.devices);
  const points: Point[] = [];
  let firstTurn = 0;
  for (const size of options.tables.toSorted((a, b) => a - b)) {
    const from = firstTurn;
    const start = Math.max(from, Math.ceil(size / options.devices));
    await preload(large, { devices: options.devices, from, to: start, signal });
    say(`In turns: no rows stored before, ${whole(start * options.devices)} rows`);
    const workload = (round: number) => ({
      ...options,
      firstTurn: start + round * turnsOf(options),
    });
    const rounds = await inTurns(options, signal, {
      base: (round) => freshDrain(site, real, workload(round)),
      at: async (round) => {
        await restTables(large);
        return await filledDrain(large, real, workload(round));
      },
    });
    firstTurn = workload(options.rounds).firstTurn;
    points.push({ size, rounds });
  }
  printCurve("rows stored before", 0, points, options);
}

/** Who goes first changes from round to round: it gains or loses by it, and so both do. */
async function inTurns(
  { rounds }: BenchOptions,
  signal: AbortSignal,
  { base, at }: Record<"base" | "at", (round: number) => Promise<Drain>>,
): Promise<Point["rounds"]> {
  const measured: { readonly base: Drain; readonly at: Drain }[] = [];
  for (let round = 0; round < rounds; round++) {
    signal.throwIfAborted();
    if (round % 2 === 0) measured.push({ base: await base(round), at: await at(round) });
    else measured.push({ at: await at(round), base: await base(round) });
  }
  return measured;
}

function printCurve(
  name: string,
  baseSize: number,
  points: readonly Point[],
  { readings, rounds }: BenchOptions,
): void {
  if (points.length === 0) return;
  const rate = (drain: Drain) => drain.readingsPerSecond;
  const cpu = (drain: Drain) => drain.cpuMicros.postgres ?? NaN;
  const row = (size: number, drains: readonly Drain[], ratios: readonly string[]) => [
    whole(size),
    whole(median(drains.map(rate))),
    ratios[0]!,
    orDash(median(drains.map(cpu)), 1),
    ratios[1]!,
  ];
  const ratio = ({ rounds }: Point, figure: typeof rate) => {
    const ratios = rounds.map(({ base, at }) => figure(at) / figure(base));
    const [middle, least, most] = [median(ratios), Math.min(...ratios), Math.max(...ratios)];
    return `${orDash(middle, 2)} (${orDash(least, 2)} to ${orDash(most, 2)})`;
  };
  print(
    `${whole(readings)} readings by the backend, ${rounds} rounds of each line in turns with the ` +
      `first: medians, and of the ratios within a round also the least and the most:`,
  );
  print(markdownTable(
    [name, "readings/s", "to the first", "PostgreSQL's CPU µs", "to the first"],
    [
      row(baseSize, points.flatMap(({ rounds }) => rounds.map(({ base }) => base)), ["–", "–"]),
      ...points.map((point) =>
        row(point.size, point.rounds.map(({ at }) => at), [ratio(point, rate), ratio(point, cpu)])
      ),
    ],
  ));
}
