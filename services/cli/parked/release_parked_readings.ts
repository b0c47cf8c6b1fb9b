import type { Kysely } from "kysely";
import { defineAction } from "#shared/command/define_action.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import { defaultTenant, type TenantId } from "#shared/telemetry/tenant.ts";
import { databaseSettings } from "../../backend/config.ts";
import type { DeviceKey } from "../../backend/readings/device_key.ts";
import type { Database } from "../../backend/store/database.ts";
import { LaggingDevices } from "../../backend/store/devices/lagging_devices.ts";
import { refreshDevices } from "../../backend/store/devices/refresh_devices.ts";
import { WriterMark } from "../../backend/store/devices/writer_mark.ts";
import { countParked } from "../../backend/store/parked/count_parked.ts";
import { knownParked } from "../../backend/store/parked/known_parked.ts";
import { releaseParked, retryRefused } from "../../backend/store/parked/release_parked.ts";
import { onTables } from "../database/on_tables.ts";
import { type Print, printLine } from "../output/print.ts";
import { limit } from "../settings/limit.ts";
import { parkedInWords } from "./parked_in_words.ts";
import { stepReadings } from "./step_readings.ts";

/** Devices that are looked at together. */
const pageDevices = 1_000;

/**
 * Moves what it can, up to `limit` readings; a backend may be doing the same,
 * and each waits for the other's steps.
 */
export async function releaseParkedReadings(
  db: Kysely<Database>,
  { limit }: { readonly limit: number },
  signal: AbortSignal,
  print: Print,
): Promise<void> {
  // Tells the backends of what the devices' rows do not, also where this is ended.
  const lagging = new LaggingDevices(new WriterMark(db));
  let released = 0;
  /** Whether there may be more of these. */
  const step = async (tenantId: TenantId, devices: readonly DeviceKey[]): Promise<boolean> => {
    signal.throwIfAborted();
    const ids = devices.map(({ deviceId }) => deviceId);
    const most = Math.min(stepReadings, limit - released);
    let more = false;
    await lagging.during(
      tenantId,
      devices,
      () => releaseParked(db, tenantId, ids, most),
      ({ moved, setAside, deviceIds }) => {
        for (const deviceId of deviceIds) lagging.note(tenantId, deviceId, undefined);
        released += moved;
        more = moved + setAside > 0;
      },
    );
    for (let part; (part = lagging.next(pageDevices)) !== undefined;) {
      await lagging.refresh(part, (tenantId, seen) => refreshDevices(db, tenantId, seen));
    }
    return more && released < limit;
  };
  try {
    await retryRefused(db);
    let page = await knownParked(db, undefined, pageDevices);
    while (page.length > 0 && released < limit) {
      for (const [tenantId, devices] of Map.groupBy(page, ({ tenantId }) => tenantId)) {
        while (await step(tenantId, devices));
      }
      page = await knownParked(db, page.at(-1), pageDevices);
    }
  } catch (error) {
    await print(`Released ${released} readings, then stopped; the others are where they were.`);
    throw error;
  } finally {
    // What cannot be said now, backends find out for themselves.
    await lagging.keepMark({ atEnd: true }).catch(() => {});
  }
  const left = await countParked(db, defaultTenant);
  await print(`Released ${released} readings, left ${parkedInWords(left)}.`);
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
    onTables(
      "read parked readings",
      backend.db,
      context,
      (db) => releaseParkedReadings(db, parked, context.signal, printLine),
    ),
});
