import type { Kysely } from "kysely";
import { defineAction } from "#shared/command/define_action.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import type { ConfigOf } from "#shared/config/setting.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { databaseSettings } from "../../backend/config.ts";
import type { Database } from "../../backend/store/database.ts";
import { countParked } from "../../backend/store/parked/count_parked.ts";
import { dropParked } from "../../backend/store/parked/drop_parked.ts";
import type { ReadingKey } from "../../backend/store/rows/reading_key.ts";
import { onTables } from "../database/on_tables.ts";
import { type Print, printLine } from "../output/print.ts";
import { dropAll } from "../settings/drop_all.ts";
import { limit } from "../settings/limit.ts";
import { parkedFilterSettings } from "./parked_filter.ts";
import { parkedInWords } from "./parked_in_words.ts";
import { stepReadings } from "./step_readings.ts";

const dropSettings = {
  ...parkedFilterSettings,
  limit: limit("readings to drop"),
  yes: dropAll(),
};

/**
 * Deletes the readings that pass the filter, up to a limit.
 *
 * @throws {ExitError} if nothing says which and nobody asked for all.
 */
export async function dropParkedReadings(
  db: Kysely<Database>,
  { limit, yes, ...filter }: ConfigOf<typeof dropSettings>,
  signal: AbortSignal,
  print: Print,
): Promise<void> {
  if (filter.deviceId === undefined && filter.olderThanMs === undefined && !yes) {
    throw new ExitError(
      "Cannot drop all parked readings unasked: say which with --device-id or --older-than, " +
        "or say --yes",
    );
  }
  let dropped = 0;
  try {
    let after: ReadingKey | undefined;
    do {
      signal.throwIfAborted();
      const step = { after, limit: Math.min(stepReadings, limit - dropped) };
      const { dropped: now, next } = await dropParked(db, defaultTenant, filter, step);
      dropped += now;
      after = next;
    } while (after !== undefined && dropped < limit);
  } catch (error) {
    await print(`Dropped ${dropped} readings, then stopped; the others are where they were.`);
    throw error;
  }
  const left = await countParked(db, defaultTenant);
  await print(`Dropped ${dropped} readings, left ${parkedInWords(left)}.`);
}

export const dropParkedReadingsAction = defineAction({
  name: "drop",
  summary: "Deletes parked readings for good.",
  sections: { log: logSettings, backend: { db: databaseSettings }, parked: dropSettings },
  run: ({ backend, parked }, context) =>
    onTables(
      "read parked readings",
      backend.db,
      context,
      (db) => dropParkedReadings(db, parked, context.signal, printLine),
    ),
});
