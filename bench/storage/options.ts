import { parseArgs } from "node:util";

export interface StorageOptions {
  /** Of the fleet at 5 s, about: as many devices as have them in the days and what there is of today. */
  readonly readings: number;
  /** Whole days of them before today. */
  readonly days: number;
  /** Devices that report every ten minutes, and for how many days before today. */
  readonly longDevices: number;
  readonly longDays: number;
  /** Devices whose newest readings are asked for. */
  readonly devices: number;
  /** Readings of each height of white noise, about. */
  readonly noisy: number;
  /** Queries of each kind. */
  readonly samples: number;
  /** Readings a round of writing. */
  readonly written: number;
  /** Rounds of writing, in turns with plain rows. */
  readonly rounds: number;
  /** The server that is to hold the databases; undefined for one that is found or started. */
  readonly server: string | undefined;
  readonly pglite: boolean;
  readonly ownServices: boolean;
}

export const usage = `deno task bench:storage [options]

  --quick             little of everything, to see that it runs: half a minute
  --full              100,000,000 readings of the fleet: about an hour, and 50 GB for the while
  --readings=N        readings of the fleet at 5 s, about
  --days=N            whole days that they are of, beside today
  --long-devices=N    devices that report every ten minutes for longer
  --long-days=N       days that they do
  --devices=N         devices whose newest readings are asked for
  --noisy=N           readings of each height of white noise, about
  --samples=N         queries of each kind
  --written=N         readings a round of writing
  --rounds=N          rounds of writing, in turns with plain rows
  --db=URL            a server that gets databases of its own for the while
  --pglite            the embedded database instead
  --own-services      start a server of its own, rather than use one that runs
`;

const usual = {
  "readings": 3_000_000,
  "days": 7,
  "long-devices": 20,
  "long-days": 366,
  "devices": 1_000,
  "noisy": 600_000,
  "samples": 400,
  "written": 200_000,
  "rounds": 3,
};
const full: typeof usual = { ...usual, "readings": 100_000_000 };
const quick: typeof usual = {
  "readings": 60_000,
  "days": 3,
  "long-devices": 2,
  "long-days": 10,
  "devices": 50,
  "noisy": 17_280,
  "samples": 10,
  "written": 5_000,
  "rounds": 1,
};

/** @throws {TypeError} for an unknown option or a value that is no number. */
export function readOptions(args: readonly string[]): StorageOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      "quick": { type: "boolean", default: false },
      "full": { type: "boolean", default: false },
      "readings": { type: "string" },
      "days": { type: "string" },
      "long-devices": { type: "string" },
      "long-days": { type: "string" },
      "devices": { type: "string" },
      "noisy": { type: "string" },
      "samples": { type: "string" },
      "written": { type: "string" },
      "rounds": { type: "string" },
      "db": { type: "string" },
      "pglite": { type: "boolean", default: false },
      "own-services": { type: "boolean", default: false },
    },
  });
  if (values.quick && values.full) throw new TypeError("--quick and --full: expected one of them");
  const defaults = values.quick ? quick : values.full ? full : usual;
  const whole = (name: keyof typeof usual, min = 1) => {
    const text = values[name];
    if (text === undefined) return defaults[name];
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (!(value >= min)) throw new TypeError(`--${name}: expected a whole number from ${min}`);
    return value;
  };
  return {
    readings: whole("readings"),
    // A day that is old enough to be packed, and one that is not yet.
    days: whole("days", 3),
    longDevices: whole("long-devices"),
    longDays: whole("long-days", 3),
    devices: whole("devices"),
    noisy: whole("noisy"),
    samples: whole("samples"),
    written: whole("written"),
    rounds: whole("rounds"),
    server: values.db,
    pglite: values.pglite,
    ownServices: values["own-services"],
  };
}
