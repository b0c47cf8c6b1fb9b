import type { Kysely } from "kysely";
import { defineAction } from "#shared/command/define_action.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { databaseSettings, parkedBoundsSettings } from "../../backend/config.ts";
import type { Database } from "../../backend/store/database.ts";
import { listParked } from "../../backend/store/parked/list_parked.ts";
import type { ParkedFilter } from "../../backend/store/parked/parked_filter.ts";
import type { ParkedBounds } from "../../backend/store/parked/take_parked.ts";
import { onTables } from "../database/on_tables.ts";
import { formatAge } from "../output/age.ts";
import { type Print, printLine } from "../output/print.ts";
import { printable } from "../output/printable.ts";
import { limit } from "../settings/limit.ts";
import { parkedFilterSettings } from "./parked_filter.ts";

const pageDevices = 1_000;

/** Prints a row for each device with parked readings, up to `limit`, the totals of all, and what bounds them. */
export async function listParkedReadings(
  db: Kysely<Database>,
  filter: ParkedFilter,
  { bounds, limit, nowMs, signal }: {
    readonly bounds: ParkedBounds;
    readonly limit: number;
    readonly nowMs: number;
    readonly signal: AbortSignal;
  },
  print: Print,
): Promise<void> {
  let devices = 0;
  let readings = 0;
  let due = 0;
  const show = (cells: readonly string[]) => {
    const [count, oldest, newest, parked, state, deviceId] = cells;
    return print(
      `${count!.padStart(9)}  ${oldest!.padEnd(24)}  ${newest!.padEnd(24)}  ` +
        `${parked!.padStart(8)}  ${state!.padEnd(7)}  ${deviceId}`,
    );
  };
  for (let after: string | undefined = ""; after !== undefined;) {
    signal.throwIfAborted();
    const page = await listParked(db, defaultTenant, filter, { after, maxDevices: pageDevices });
    for (const device of page.devices) {
      readings += device.count;
      if (device.known) due += device.count - device.refused;
      if (++devices > limit) continue;
      if (devices === 1) {
        await show(["READINGS", "OLDEST", "NEWEST", "PARKED", "DEVICE", "ID"]);
      }
      await show([
        String(device.count),
        new Date(device.oldestMs).toISOString(),
        new Date(device.newestMs).toISOString(),
        formatAge(nowMs - device.parkedSinceMs),
        device.known ? "known" : "unknown",
        printable(device.deviceId),
      ]);
      if (device.refusal !== null) {
        await print(`${"".padEnd(11)}${device.refused} refused: ${printable(device.refusal)}`);
      }
    }
    after = page.next;
  }
  if (devices === 0) return await print("No parked readings.");
  await print("");
  if (devices > limit) await print(`The first ${limit} of ${devices} devices are shown.`);
  await print(`${readings} readings of ${devices} devices; ${due} can be released now.`);
  await print(
    `At most ${bounds.maxReadings} stay parked, none for longer than ` +
      `${formatAge(bounds.maxAgeMs)}; the oldest go to the dead letters.`,
  );
}

export const listParkedReadingsAction = defineAction({
  name: "list",
  summary: "Prints the devices that have parked readings, one a line, and the totals.",
  sections: {
    log: logSettings,
    backend: { db: databaseSettings, parked: parkedBoundsSettings },
    parked: { ...parkedFilterSettings, limit: limit("devices to list") },
  },
  run: ({ backend, parked: { limit, ...filter } }, context) =>
    onTables("read parked readings", backend.db, context, (db) => {
      const { signal } = context;
      const bounds = backend.parked;
      const options = { bounds, limit, nowMs: Date.now(), signal };
      return listParkedReadings(db, filter, options, printLine);
    }),
});
