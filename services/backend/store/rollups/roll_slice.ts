import type { Kysely } from "kysely";
import type { DeviceKey } from "../../readings/device_key.ts";
import type { Database } from "../database.ts";
import { pageDeviceKeys } from "../rows/page_device_keys.ts";
import { rollSpan } from "./roll_span.ts";
import { rolledUntil, type RollupProgress } from "./rollup_progress.ts";

/** Some hours of all devices, from where rollups are until `untilMicros`. */
export interface Slice {
  readonly untilMicros: number;
  /** Devices up to it are done; undefined before the first. */
  readonly after: DeviceKey | undefined;
}

/** Part of a slice that was rolled up. */
export interface RolledPart {
  readonly devices: number;
  readonly readings: number;
  /** Where to go on; undefined once all of it is rolled up. */
  readonly next: Slice | undefined;
}

/**
 * Rolls up a slice for the next devices, and says so of all of it after the last
 * ones. Whoever has stored readings of it unmarked must have ended. In a transaction.
 */
export async function rollSlice(
  transaction: Kysely<Database>,
  { untilMicros, after }: Slice,
  { progress, maxDevices }: { readonly progress: RollupProgress; readonly maxDevices: number },
): Promise<RolledPart> {
  const page = await pageDeviceKeys(transaction, after, maxDevices);
  const kept = { ...progress, rolledUntilMicros: untilMicros };
  let readings = 0;
  for (const [tenantId, devices] of Map.groupBy(page, ({ tenantId }) => tenantId)) {
    const deviceIds = devices.map(({ deviceId }) => deviceId);
    const fromMicros = progress.rolledUntilMicros;
    readings += await rollSpan(transaction, { tenantId, deviceIds, fromMicros, untilMicros }, kept);
  }
  const more = page.length === maxDevices;
  if (!more) await rolledUntil(transaction, untilMicros);
  return {
    devices: page.length,
    readings,
    next: more ? { untilMicros, after: page.at(-1) } : undefined,
  };
}
