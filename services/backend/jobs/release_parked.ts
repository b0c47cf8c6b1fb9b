import type { Logger } from "@logtape/logtape";
import type { Kysely } from "kysely";
import type { Counter } from "prom-client";
import { onOneReplica } from "../store/connection/on_one_replica.ts";
import type { Database } from "../store/database.ts";
import { releaseParked } from "../store/parked/release_parked.ts";
import type { Job } from "./job.ts";
import type { LastSeen } from "./last_seen.ts";

export interface ReleaseOptions {
  readonly db: Kysely<Database>;
  readonly intervalMs: number;
  readonly lastSeen: Pick<LastSeen, "note">;
  readonly metrics: Readonly<Record<"released" | "duplicates", Pick<Counter, "inc">>>;
  readonly log: Logger;
}

/** Readings a run, at most. */
const runReadings = 10_000;
/** Its lock's name, as releases before have it: in an upgrade they run side by side. */
const lock = "sweep";

/**
 * Moves parked readings whose device is known by now: they were parked while it
 * was being registered, and neither saw the other.
 */
export function releaseParkedJob(
  { db, intervalMs, lastSeen, metrics, log }: ReleaseOptions,
): Job {
  return {
    name: "release_parked",
    intervalMs,
    async run() {
      const release = (session: Kysely<Database>) => releaseParked(session, runReadings);
      const released = await onOneReplica(db, lock, release);
      if (released === undefined) return "elsewhere";
      let total = 0;
      for (const { deviceId, count, stored, newestMicros } of released) {
        lastSeen.note(deviceId, newestMicros);
        metrics.released.inc(count);
        metrics.duplicates.inc(count - stored);
        total += count;
      }
      if (total === 0) return "done";
      log.info("Released parked readings", { released: total });
      return "more";
    },
  };
}
