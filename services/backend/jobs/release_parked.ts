import type { Logger } from "@logtape/logtape";
import type { Kysely } from "kysely";
import type { Counter } from "prom-client";
import type { DeviceKey } from "../readings/device_key.ts";
import { onOneReplica } from "../store/connection/on_one_replica.ts";
import type { Database } from "../store/database.ts";
import type { LaggingDevices } from "../store/devices/lagging_devices.ts";
import { knownParked } from "../store/parked/known_parked.ts";
import { newestParked } from "../store/parked/newest_parked.ts";
import { releaseParked } from "../store/parked/release_parked.ts";
import { withPartitions } from "../store/partitions/with_partitions.ts";
import type { Job, JobOutcome } from "./job.ts";

export interface ReleaseOptions {
  readonly db: Kysely<Database>;
  readonly intervalMs: number;
  readonly lagging: Pick<LaggingDevices, "during" | "note">;
  readonly metrics: Readonly<Record<"released" | "duplicates", Pick<Counter, "inc">>>;
  readonly log: Logger;
}

/** Readings a run, at most, of each tenant. */
const runReadings = 10_000;
/** Devices that are looked at together. */
const pageDevices = 10_000;
/** Its lock's name, as releases before have it: in an upgrade they run side by side. */
const lock = "sweep";

/**
 * Moves parked readings whose device is known by now: they were parked while it
 * was being registered, and neither saw the other; or they were too many to be
 * released with it, or one of them was refused.
 */
export function releaseParkedJob(options: ReleaseOptions): Job {
  const { intervalMs } = options;
  return { name: "release_parked", intervalMs, run: () => releaseSome(options) };
}

async function releaseSome({ db, lagging, metrics, log }: ReleaseOptions): Promise<JobOutcome> {
  const alone = <Result>(work: (session: Kysely<Database>) => Promise<Result>) =>
    onOneReplica(db, lock, work);
  let after: DeviceKey | undefined;
  while (true) {
    const page = await alone((session) => knownParked(session, after, pageDevices));
    if (page === undefined) return "elsewhere";
    let more = false;
    for (const [tenantId, devices] of Map.groupBy(page, ({ tenantId }) => tenantId)) {
      const ids = devices.map(({ deviceId }) => deviceId);
      // Committed before it is noted.
      const release = () =>
        withPartitions(
          db,
          () => alone((session) => releaseParked(session, tenantId, ids, runReadings)),
          () => newestParked(db, tenantId, ids),
        );
      await lagging.during(tenantId, devices, release, (released) => {
        if (released === undefined) return;
        const { moved, duplicates, setAside } = released;
        for (const deviceId of released.deviceIds) lagging.note(tenantId, deviceId, undefined);
        metrics.released.inc(moved);
        metrics.duplicates.inc(duplicates);
        if (moved > 0) log.info("Released parked readings", { released: moved });
        more ||= moved + setAside > 0;
      });
    }
    // One whose readings are all refused must not hide others.
    if (more) return "more";
    if (page.length < pageDevices) return "done";
    after = page.at(-1);
  }
}
