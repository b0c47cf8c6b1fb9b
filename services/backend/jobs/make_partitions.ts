import type { Logger } from "@logtape/logtape";
import type { Kysely } from "kysely";
import type { Database } from "../store/database.ts";
import { dayMicros } from "../store/partitions/days.ts";
import { makeDays } from "../store/partitions/make_days.ts";
import type { Job } from "./job.ts";

export interface PartitionsOptions {
  readonly db: Kysely<Database>;
  /** Days after today that have their partition ready, at least 1. */
  readonly daysAhead: number;
  /** Unix milliseconds: the later of this machine's clock and the database's. */
  readonly nowMs: () => number;
  readonly log: Logger;
}

const intervalMs = 600_000;

/** Makes the partitions of the days to come. One that is missing is made by whoever needs it. */
export function makePartitionsJob({ db, daysAhead, nowMs, log }: PartitionsOptions): Job {
  return {
    name: "make_partitions",
    intervalMs,
    async run() {
      const untilMicros = nowMs() * 1_000 + daysAhead * dayMicros + 1;
      const made = await makeDays(db, untilMicros);
      if (made.length > 0) {
        log.info("Made partitions", { partitions: made.map(({ name }) => name) });
      }
      return "done";
    },
  };
}
