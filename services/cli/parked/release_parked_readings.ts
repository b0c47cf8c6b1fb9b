import type { Kysely } from "kysely";
import { defineAction } from "#shared/command/define_action.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import { databaseSettings } from "../../backend/config.ts";
import type { Database } from "../../backend/store/database.ts";
import { touchDevices } from "../../backend/store/devices/touch_devices.ts";
import { countParked } from "../../backend/store/parked/count_parked.ts";
import { releaseParked, retryRefused } from "../../backend/store/parked/release_parked.ts";
import { type Print, printLine } from "../output/print.ts";
import { limit } from "../settings/limit.ts";
import { onParkedReadings } from "./on_parked_readings.ts";
import { parkedInWords } from "./parked_in_words.ts";
import { stepReadings } from "./step_readings.ts";

/**
 * Moves what it can, up to `limit` readings; a backend may be doing the same,
 * and each takes its own.
 */
export async function releaseParkedReadings(
  db: Kysely<Database>,
  { limit }: { readonly limit: number },
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
  await print(`Released ${released} readings, left ${parkedInWords(await countParked(db))}.`);
}

const all = "it has no effect on release, which moves whatever can be moved; leave it out";

export const releaseParkedReadingsAction = defineAction({
  name: "release",
  summary: "Stores parked readings whose device is known by now, the refused once more.",
  sections: {
    log: logSettings,
    backend: { db: databaseSettings },
    parked: { limit: limit("readings to release") },
  },
  refused: { "parked.device_id": all, "parked.older_than": all },
  run: ({ backend, parked }, context) =>
    onParkedReadings(
      backend.db,
      context,
      (db) => releaseParkedReadings(db, parked, context.signal, printLine),
    ),
});
