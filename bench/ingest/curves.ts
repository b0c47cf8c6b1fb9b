import { backend } from "./contender.ts";
import type { Drain } from "./drain.ts";
import { filledDrain, freshDrain } from "./filled_drain.ts";
import { markdownTable } from "./markdown_table.ts";
import type { BenchOptions } from "./options.ts";
import { orDash, print, say, whole } from "./output.ts";
import { median } from "./percentile.ts";
import { preload } from "./preload.ts";
import { resetTables, restTables, type Site, withOwnDatabase } from "./site.ts";
import { presentSeconds, turnsOf } from "./workload.ts";

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
  const sizes = options.tables.toSorted((a, b) => a - b);
  const turns = turnsOf(options);
  // Drains follow on each other; what is stored before them reaches further back for each size.
  const first = presentSeconds(sizes.length * options.rounds * turns);
  let filled = 0;
  for (const [at, size] of sizes.entries()) {
    const wanted = Math.ceil(size / options.devices);
    const { devices } = options;
    const [fromSeconds, untilSeconds] = [first - wanted, first - filled];
    await preload(large, { devices, fromSeconds, untilSeconds, signal });
    filled = wanted;
    say(`In turns: no rows stored before, ${whole(wanted * devices)} rows`);
    const rounds = await inTurns(options, signal, {
      base: () => freshDrain(site, real, options),
      at: async (round) => {
        await restTables(large);
        const drained = at * options.rounds + round;
        return await filledDrain(large, real, { ...options, fromSeconds: first + drained * turns });
      },
    });
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
