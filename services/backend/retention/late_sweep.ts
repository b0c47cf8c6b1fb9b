import type { Kysely } from "kysely";
import type { DeviceKey } from "../readings/device_key.ts";
import type { Database } from "../store/database.ts";
import { pageDeviceKeys } from "../store/devices/page_device_keys.ts";
import { deleteLate, type RowsTable } from "../store/retention/late_rows.ts";
import type { ArchivedPage } from "./archive_day.ts";

export interface SweepOptions {
  readonly db: Kysely<Database>;
  readonly table: RowsTable;
  /** The beginning of the day (UTC), in Unix microseconds. */
  readonly fromMicros: number;
}

/** Deletes a day's rows from a partition that stays, by steps. */
export interface LateSweep {
  readonly fromMicros: number;
  /** @returns rows that were deleted; undefined at the end, or where the others stay for now. */
  step(): Promise<number | undefined>;
}

/** Rows a step, about. */
const stepRows = 50_000;
const mostDevices = 5_000;

/** As many as there are. */
export function sweep({ db, table, fromMicros }: SweepOptions): LateSweep {
  let after: DeviceKey | undefined;
  let devices = 20;
  return {
    fromMicros,
    async step() {
      const keys = await pageDeviceKeys(db, after, devices);
      if (keys.length === 0) return undefined;
      let count = 0;
      for (const [tenantId, ofTenant] of Map.groupBy(keys, ({ tenantId }) => tenantId)) {
        const rows = { tenantId, deviceIds: ofTenant.map(({ deviceId }) => deviceId) };
        count += await deleteLate(db, table, fromMicros, rows, undefined) ?? 0;
      }
      after = keys.at(-1);
      const fitting = Math.floor(keys.length * stepRows / Math.max(count, 1));
      devices = Math.min(Math.max(fitting, 1), mostDevices);
      return count;
    },
  };
}

/** Those that were archived, page by page, as long as they are the same. */
export function sweepArchived(
  { db, table, fromMicros }: SweepOptions,
  pages: readonly ArchivedPage[],
): LateSweep {
  let at = 0;
  return {
    fromMicros,
    async step() {
      const page = pages[at++];
      return page && await deleteLate(db, table, fromMicros, page, page);
    },
  };
}
