import { parseArgs } from "node:util";

export interface BenchOptions {
  /** Readings a drain. */
  readonly readings: number;
  readonly devices: number;
  /** Drains of each contender and of each point of a curve, in turns. */
  readonly rounds: number;
  /** Steady rates of the latency measurement, in readings/s, and how long each is kept up. */
  readonly rates: readonly number[];
  readonly latencySeconds: number;
  /** Fleets to compare with `devices`. */
  readonly fleets: readonly number[];
  /** Rows already in the table, to compare with none. */
  readonly tables: readonly number[];
  /** Messages waiting when memory is measured; 0 leaves that out. */
  readonly backlog: number;
  /** Other settings of the backend to compare with its own: flags, such as `--ingest-writers=1`. */
  readonly vary: readonly string[];
  /** Other checkouts whose backend is compared. */
  readonly against: readonly string[];
  /** Drains only, without what is put beside them. */
  readonly onlyDrains: boolean;
  /** Where to put CPU profiles of one more backend; undefined for none. */
  readonly profile: string | undefined;
  readonly ownServices: boolean;
  /** Where the tables are distributed; undefined for a PostgreSQL server. */
  readonly citus: CitusOptions | undefined;
}

export interface CitusOptions {
  /** Of a database of the coordinator, which knows the nodes. */
  readonly url: string;
  /** Of each table. */
  readonly shards: number;
}

export const usage = `deno task bench:ingest [options]

  --full              more of everything: about 15 minutes instead of one
  --readings=N        readings a drain
  --devices=N         devices that they come from
  --rounds=N          drains of each contender, and of each point of a curve, in turns
  --rates=N,N         steady rates at which latency is measured, in readings/s
  --latency-seconds=N how long each rate is kept up
  --fleets=N,N        numbers of devices to compare with --devices; empty for none
  --tables=N,N        rows stored before, to compare with none; empty for none.
                      100000000 take about 10 minutes to store, and 26 GB for the while
  --backlog=N         messages waiting when memory is measured; 0 for none
  --vary=FLAGS        also measure with these flags of the backend; may be repeated
  --against=FOLDER    also drain with the backend of another checkout; may be repeated
  --only-drains       nothing but the drains of the backend, its rivals and the bare loop
  --profile=FOLDER    also drain with a backend whose CPU profiles are put there
  --own-services      start servers of its own, rather than use those that run
  --citus=URL         nothing but drains, into tables that Citus distributes: the URL is of a
                      database of the coordinator, whose nodes get one of its own for the while
  --shards=N          of each table, with --citus
`;

const quick = {
  readings: 100_000,
  rounds: 2,
  latencySeconds: 5,
  fleets: "",
  tables: "",
  backlog: 0,
};
const full = {
  readings: 200_000,
  rounds: 4,
  latencySeconds: 20,
  fleets: "100000",
  tables: "1000000,10000000",
  backlog: 1_000_000,
};

/** @throws {TypeError} for an unknown option or a value that is no number. */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      "full": { type: "boolean", default: false },
      "readings": { type: "string" },
      "devices": { type: "string", default: "1000" },
      "rounds": { type: "string" },
      "rates": { type: "string", default: "1000,5000" },
      "latency-seconds": { type: "string" },
      "fleets": { type: "string" },
      "tables": { type: "string" },
      "backlog": { type: "string" },
      "vary": { type: "string", multiple: true, default: [] },
      "against": { type: "string", multiple: true, default: [] },
      "only-drains": { type: "boolean", default: false },
      "profile": { type: "string" },
      "own-services": { type: "boolean", default: false },
      "citus": { type: "string" },
      "shards": { type: "string", default: "32" },
    },
  });
  const mode = values.full ? full : quick;
  return {
    readings: wholeNumber("readings", values.readings ?? mode.readings, 1),
    devices: wholeNumber("devices", values.devices, 1),
    rounds: wholeNumber("rounds", values.rounds ?? mode.rounds, 1),
    rates: wholeNumbers("rates", values.rates),
    latencySeconds: wholeNumber(
      "latency-seconds",
      values["latency-seconds"] ?? mode.latencySeconds,
      1,
    ),
    fleets: wholeNumbers("fleets", values.fleets ?? mode.fleets),
    tables: wholeNumbers("tables", values.tables ?? mode.tables),
    backlog: wholeNumber("backlog", values.backlog ?? mode.backlog, 0),
    vary: values.vary,
    against: values.against,
    onlyDrains: values["only-drains"],
    profile: values.profile,
    ownServices: values["own-services"],
    citus: values.citus === undefined
      ? undefined
      : { url: values.citus, shards: wholeNumber("shards", values.shards, 1) },
  };
}

function wholeNumber(name: string, text: string | number, min: number): number {
  const value = /^\d+$/.test(String(text)) ? Number(text) : NaN;
  if (!(value >= min)) throw new TypeError(`--${name}: expected a whole number from ${min}`);
  return value;
}

function wholeNumbers(name: string, text: string): readonly number[] {
  return text.split(",").filter((part) => part !== "").map((part) => wholeNumber(name, part, 1));
}
