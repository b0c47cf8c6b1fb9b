import type { Logger } from "@logtape/logtape";
import type { Kysely } from "kysely";
import type { DeviceKey } from "../readings/device_key.ts";
import { onOneReplica } from "../store/connection/on_one_replica.ts";
import type { Database } from "../store/database.ts";
import { pageDeviceKeys } from "../store/rows/page_device_keys.ts";
import { refreshDevices } from "../store/devices/refresh_devices.ts";
import { abandonedMarks, removeAbandoned } from "../store/devices/writer_mark.ts";
import type { Job } from "./job.ts";

export interface MendOptions {
  readonly db: Kysely<Database>;
  readonly log: Logger;
}

const intervalMs = 30_000;
/** Devices a run. */
const pageDevices = 1_000;
const name = "mend_devices";

/** Over all devices, on behalf of the backends whose marks these are. */
interface Walk {
  readonly marks: readonly string[];
  readonly after: DeviceKey | undefined;
}

/**
 * Brings the rows of all devices up to date after a backend that ended before it
 * had: while its mark is there, every backend looks up what the rows tell.
 */
export function mendDevicesJob({ db, log }: MendOptions): Job {
  let walk: Walk | undefined;
  return {
    name,
    intervalMs,
    async run() {
      const went = await onOneReplica(db, name, async (session) => ({
        walk: await goOn(session, walk, log),
      }));
      if (went === undefined) return "elsewhere";
      // What it did is committed by now.
      walk = went.walk;
      return walk === undefined ? "done" : "more";
    },
  };
}

/** A page of the walk, or of a new one where marks are found; undefined at its end. */
async function goOn(
  db: Kysely<Database>,
  under: Walk | undefined,
  log: Logger,
): Promise<Walk | undefined> {
  const marks = under?.marks ?? await abandonedMarks(db);
  if (marks.length === 0) return undefined;
  if (under === undefined) {
    log.info("A backend ended before it had told of all that it stored; it is looked up", {
      backends: marks.length,
    });
  }
  const page = await pageDeviceKeys(db, under?.after, pageDevices);
  for (const [tenantId, devices] of Map.groupBy(page, ({ tenantId }) => tenantId)) {
    const unseen = devices.map(({ deviceId }) => [deviceId, undefined] as const);
    await refreshDevices(db, tenantId, new Map(unseen));
  }
  if (page.length === pageDevices) return { marks, after: page.at(-1) };
  await removeAbandoned(db, marks);
  return undefined;
}
