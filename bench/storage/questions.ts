import type { Kysely } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import type { Database } from "../../services/backend/store/database.ts";
import { pageReadings } from "../../services/backend/store/readings/page_readings.ts";
import { latestReadings } from "../../services/backend/store/readings/read_readings.ts";
import { niceBucketSeconds } from "../../services/backend/store/rollups/nice_bucket_seconds.ts";
import { readBuckets } from "../../services/backend/store/rollups/read_buckets.ts";
import type { Question } from "./compare_in_turns.ts";
import { PlainRows } from "./plain_rows.ts";
import type { StoredRun } from "./stored_run.ts";

const pageRows = 100;

/**
 * A page of one device after the other.
 *
 * @param depth How many readings are newer than those of the first page of a device.
 */
export function pageOf(
  db: Kysely<Database>,
  run: StoredRun,
  { name, depth }: { readonly name: string; readonly depth: number },
): Question {
  const plainRows = new PlainRows(db);
  const devices = run.deviceIds.length;
  const at = (sample: number) => {
    const index = sample % devices;
    // Not each time at the same place of a device.
    const further = 7 * Math.floor(sample / devices);
    return {
      deviceId: run.deviceIds[index]!,
      before: depth === 0 ? undefined : run.position(index, depth - further),
    };
  };
  return {
    what: `a page of ${pageRows}, ${name}`,
    async stored(sample) {
      const page = { ...at(sample), limit: pageRows };
      return (await pageReadings(db, defaultTenant, page)).length;
    },
    async plain(sample) {
      const { deviceId, before } = at(sample);
      return (await plainRows.page(deviceId, before, pageRows)).length;
    },
  };
}

const chartPoints = 500;
const secondUs = 1_000_000;

/** The last days of one device after the other, as few buckets as a chart has room for. */
export function chartOf(
  db: Kysely<Database>,
  run: StoredRun,
  { name, days }: { readonly name: string; readonly days: number },
): Question {
  const plainRows = new PlainRows(db);
  const spanSeconds = days * 86_400;
  const bucketSeconds = niceBucketSeconds(spanSeconds, chartPoints);
  const chart = (sample: number) => {
    const index = sample % run.deviceIds.length;
    // Not each time of the same buckets.
    const untilMicros = run.untilUs - Math.floor(sample / run.deviceIds.length) * 61 * secondUs;
    const fromMicros = untilMicros - spanSeconds * secondUs;
    return { deviceId: run.deviceIds[index]!, fromMicros, untilMicros, bucketSeconds };
  };
  return {
    what: `${name} as at most ${chartPoints} points`,
    stored: async (sample) => (await readBuckets(db, defaultTenant, chart(sample))).length,
    async plain(sample) {
      const { deviceId, ...buckets } = chart(sample);
      return (await plainRows.buckets(deviceId, buckets)).length;
    },
  };
}

/** The newest reading of each of the devices. */
export function newestOf(db: Kysely<Database>, deviceIds: readonly string[]): Question {
  const plainRows = new PlainRows(db);
  return {
    what: `the newest reading of ${deviceIds.length.toLocaleString("en")} devices`,
    stored: async () => (await latestReadings(db, defaultTenant, deviceIds)).size,
    plain: async () => (await plainRows.newest(deviceIds)).length,
  };
}
