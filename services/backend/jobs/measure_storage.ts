import type { Kysely } from "kysely";
import { earlierClock } from "../store/connection/earlier_clock.ts";
import type { Database } from "../store/database.ts";
import {
  measureStorage,
  type StorageOptions,
  type StorageState,
} from "../store/storage/measure_storage.ts";
import type { Job } from "./job.ts";

export interface MeasureOptions extends Omit<StorageOptions, "nowMs"> {
  readonly db: Kysely<Database>;
  /** This machine's clock, in Unix milliseconds; the database's holds where it is behind. */
  readonly nowMs: () => number;
  readonly onMeasured: (state: StorageState) => void;
}

const intervalMs = 60_000;

/** Measures now and then how much is stored: each replica for itself, since each is asked. */
export function measureStorageJob({ db, nowMs, onMeasured, ...options }: MeasureOptions): Job {
  return {
    name: "measure_storage",
    intervalMs,
    async run() {
      onMeasured(await measureStorage(db, { ...options, nowMs: await earlierClock(db, nowMs) }));
      return "done";
    },
  };
}
