import type { Kysely } from "kysely";
import { defineCommand } from "#shared/command/command_line.ts";
import type { RunContext } from "#shared/command/run_context.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import type { ConfigOf } from "#shared/config/setting.ts";
import { optional, text, trueOrFalse, wholeNumber } from "#shared/config/setting_kinds.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { backendSettings, databaseSettings, parkedBoundsSettings } from "../../backend/config.ts";
import { openDatabase } from "../../backend/store/connection/open_database.ts";
import { waitForDatabase } from "../../backend/store/connection/wait_for_database.ts";
import { sqlState } from "../../backend/store/connection/write_failure.ts";
import type { Database } from "../../backend/store/database.ts";
import { touchDevices } from "../../backend/store/devices/touch_devices.ts";
import {
  countMatching,
  countParked,
  type ParkedCounts,
} from "../../backend/store/parked/count_parked.ts";
import { dropParked } from "../../backend/store/parked/drop_parked.ts";
import type { ParkedFilter } from "../../backend/store/parked/list_parked.ts";
import { releaseParked, retryRefused } from "../../backend/store/parked/release_parked.ts";
import type { ParkedBounds } from "../../backend/store/parked/take_parked.ts";
import type { ReadingKey } from "../../backend/store/readings/reading_key.ts";
import { age } from "../output/age.ts";
import { type Print, printLine } from "../output/print.ts";
import { listParkedReadings } from "./list_parked_readings.ts";

export const parkedSettings = {
  log: logSettings,
  backend: { db: databaseSettings, parked: parkedBoundsSettings },
  parked: {
    device_id: optional(text({ doc: "only this device's", default: "", placeholder: "id" })),
    older_than: age("only readings that have been parked for longer"),
    limit: wholeNumber({
      doc: "devices to list, or readings to release or drop, at most; 0 is all",
      default: 0,
      min: 0,
      max: 1_000_000_000,
    }),
    yes: trueOrFalse({ doc: "drop everything, when no filter says less", default: false }),
  },
};

export type ParkedConfig = Omit<ConfigOf<typeof parkedSettings>, "log">;

/** Readings that one statement moves or deletes, at most. */
const stepReadings = 10_000;

/** Lists, releases or drops parked readings; see the command's actions. */
export async function runParked(
  { backend, parked }: ParkedConfig,
  { log, signal }: Pick<RunContext, "log" | "signal">,
  action: string,
  print: Print = printLine,
): Promise<void> {
  await using database = await openDatabase(backend.db, log);
  await waitForDatabase(() => database.answers(), backend.db, log, signal);
  await actOnParked(database.db, { bounds: backend.parked, ...parked }, signal, action, print);
}

/** Does what `runParked` does, on a database that is open. */
export async function actOnParked(
  db: Kysely<Database>,
  { bounds, ...parked }: ParkedConfig["parked"] & { readonly bounds: ParkedBounds },
  signal: AbortSignal,
  action: string,
  print: Print,
): Promise<void> {
  const filter = parked;
  const limit = parked.limit === 0 ? Infinity : parked.limit;
  const narrow = filter.deviceId !== undefined || filter.olderThanMs !== undefined;
  if (action === "drop" && !narrow && !parked.yes) {
    throw new ExitError(
      "Cannot drop all parked readings unasked: say which with --device-id or --older-than, " +
        "or say --yes true",
    );
  }
  if (action === "release" && narrow) {
    throw new ExitError(
      "Cannot release some: release moves whatever can be moved; leave out --device-id and " +
        "--older-than",
    );
  }
  try {
    if (action === "release") await release(db, limit, signal, print);
    else if (action === "drop") await drop(db, filter, limit, signal, print);
    else await listParkedReadings(db, filter, { bounds, limit, nowMs: Date.now(), signal }, print);
  } catch (error) {
    if (sqlState(error) !== "42P01") throw error;
    throw new ExitError(
      "Cannot read parked readings: the database has no tables yet; migrate it first",
      { cause: error },
    );
  }
}

/** Moves what it can; the backend's sweeper may be doing the same, and each takes its own. */
async function release(
  db: Kysely<Database>,
  limit: number,
  signal: AbortSignal,
  print: Print,
): Promise<void> {
  let released = 0;
  try {
    await retryRefused(db);
    while (released < limit) {
      signal.throwIfAborted();
      const devices = await releaseParked(db, Math.min(stepReadings, limit - released));
      if (devices.length === 0) break;
      await touchDevices(
        db,
        new Map(devices.map((device) => [device.deviceId, device.newestMicros])),
      );
      released += devices.reduce((sum, { count }) => sum + count, 0);
    }
  } catch (error) {
    await print(`Released ${released} readings, then stopped; the others are where they were.`);
    throw error;
  }
  await print(`Released ${released} readings, left ${inWords(await countParked(db))}.`);
}

async function drop(
  db: Kysely<Database>,
  filter: ParkedFilter,
  limit: number,
  signal: AbortSignal,
  print: Print,
): Promise<void> {
  const startedMs = performance.now();
  let dropped = 0;
  try {
    let after: ReadingKey | undefined;
    do {
      signal.throwIfAborted();
      const step = { after, limit: Math.min(stepReadings, limit - dropped) };
      const { dropped: now, next } = await dropParked(db, filter, step);
      dropped += now;
      after = next;
    } while (after !== undefined && dropped < limit);
  } catch (error) {
    await print(`Dropped ${dropped} readings, then stopped; the others are where they were.`);
    throw error;
  }
  await print(`Dropped ${dropped} readings, left ${inWords(await countParked(db))}.`);
  if (dropped >= limit) return;
  // Those that were parked since then are no one's who is asked for.
  const olderThanMs = (filter.olderThanMs ?? 0) + performance.now() - startedMs;
  const passedOver = await countMatching(db, { ...filter, olderThanMs });
  if (passedOver > 0) {
    throw new ExitError(
      `Cannot drop ${passedOver} readings: others are moving or dropping them at this moment`,
    );
  }
}

function inWords({ readings, refused }: ParkedCounts): string {
  return refused === 0 ? `${readings}` : `${readings}, ${refused} of them refused by the database`;
}

export const parkedCommand = defineCommand({
  name: "parked",
  task: true,
  summary: "Works on the readings whose device is not yet known.",
  actions: {
    list: "a device a line, and the totals",
    release: "store those whose device is known by now, the refused once more",
    drop: "delete them for good",
  },
  sections: parkedSettings,
  unused: backendSettings,
  run: (config, context, action) => runParked(config, context, action),
});
