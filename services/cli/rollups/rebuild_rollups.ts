import type { Kysely } from "kysely";
import { defineAction } from "#shared/command/define_action.ts";
import { showProgress } from "#shared/command/progress.ts";
import type { RunContext } from "#shared/command/run_context.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import { sleep } from "#shared/lifecycle/sleep.ts";
import { databaseSettings } from "../../backend/config.ts";
import { rollUpName } from "../../backend/jobs/roll_up.ts";
import type { DeviceKey } from "../../backend/readings/device_key.ts";
import { onOneReplica } from "../../backend/store/connection/on_one_replica.ts";
import type { Database } from "../../backend/store/database.ts";
import { dayMicros, dayOf, isoDay } from "../../backend/store/partitions/days.ts";
import { firstReading } from "../../backend/store/rollups/first_reading.ts";
import {
  firstDevices,
  pacedDevices,
  partReadings,
} from "../../backend/store/rollups/paced_devices.ts";
import { rebuildPart } from "../../backend/store/rollups/rebuild_part.ts";
import { rollupProgress } from "../../backend/store/rollups/rollup_progress.ts";
import { onTables } from "../database/on_tables.ts";
import { type Print, printLine } from "../output/print.ts";
import { utcDay } from "../settings/utc_day.ts";

/** Until it is asked again whether a backend that rolls up has ended its step, in milliseconds. */
const elsewhereMs = 200;

type Context = Pick<RunContext, "log" | "signal" | "terminal">;

/**
 * Makes rollups anew, a day after the other, from `from` until `to`, both included;
 * from the first reading and to the last rollup where these are not given. A
 * backend may be rolling up: both take turns.
 */
export async function rebuildRollups(
  db: Kysely<Database>,
  { from, to }: { readonly from: string | undefined; readonly to: string | undefined },
  context: Context,
  print: Print,
): Promise<void> {
  const { rolledUntilMicros } = await rollupProgress(db);
  const untilMicros = to === undefined
    ? rolledUntilMicros
    : Math.min(Date.parse(to) * 1_000 + dayMicros, rolledUntilMicros);
  const firstDay = from === undefined
    ? dayOf(await firstReading(db, -Infinity, untilMicros) ?? Infinity)
    : Date.parse(from) * 1_000;
  if (firstDay >= untilMicros) return await print("There is nothing that is rolled up.");
  const days = Math.ceil((untilMicros - firstDay) / dayMicros);
  let day = firstDay;
  let readings = 0;
  const done = () => Math.round((day - firstDay) / dayMicros);
  const { log, terminal } = context;
  const title = "Rebuilding days of rollups";
  using _progress = showProgress({ title, total: days, done, terminal, log });
  try {
    for (; day < untilMicros; day += dayMicros) readings += await rebuildDay(db, day, context);
  } catch (error) {
    await print(`Stopped at ${isoDay(day)}; go on with --from=${isoDay(day)}.`);
    throw error;
  }
  const last = isoDay(untilMicros - 1);
  await print(`Rebuilt the rollups of ${isoDay(firstDay)} to ${last}, of ${readings} readings.`);
}

/** @returns readings that were rolled up. */
async function rebuildDay(
  db: Kysely<Database>,
  fromMicros: number,
  { signal }: Context,
): Promise<number> {
  const day = { fromMicros, untilMicros: fromMicros + dayMicros };
  let after: DeviceKey | undefined;
  let maxDevices = firstDevices;
  let readings = 0;
  do {
    signal.throwIfAborted();
    const part = await onOneReplica(db, rollUpName, async (session) => {
      const progress = await rollupProgress(session);
      return await rebuildPart(session, day, { after, progress, maxDevices });
    });
    if (part === undefined) {
      await sleep(elsewhereMs, signal);
      continue;
    }
    readings += part.readings;
    maxDevices = pacedDevices(maxDevices, part, partReadings);
    after = part.next;
    if (after === undefined) return readings;
  } while (true);
}

export const rebuildRollupsAction = defineAction({
  name: "rebuild",
  summary:
    "Makes rollups anew of the readings that there are, as after readings were put into the " +
    "database, or taken out of it, by hand. Backends may run.",
  sections: {
    log: logSettings,
    backend: { db: databaseSettings },
    rollups: {
      from: utcDay("first day (UTC), such as 2026-01-31; the first reading's unless given"),
      to: utcDay("last day; the last one that is rolled up unless given"),
    },
  },
  run: ({ backend, rollups }, context) =>
    onTables(
      "rebuild rollups",
      backend.db,
      context,
      (db) => rebuildRollups(db, rollups, context, printLine),
    ),
});
