import type { Kysely } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import type { Database } from "../../services/backend/store/database.ts";
import { currentDevices } from "../../services/backend/store/devices/current_devices.ts";
import { LaggingDevices } from "../../services/backend/store/devices/lagging_devices.ts";
import { refreshDevices } from "../../services/backend/store/devices/refresh_devices.ts";
import { WriterMark } from "../../services/backend/store/devices/writer_mark.ts";
import { pageReadings } from "../../services/backend/store/readings/page_readings.ts";
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

/**
 * The newest reading of each of the first of these devices, as the API asks for
 * them; `devicesTold` must have been called.
 */
export function newestOf(
  db: Kysely<Database>,
  runs: readonly StoredRun[],
  devices: number,
): Question {
  const plainRows = new PlainRows(db);
  const first = runs.flatMap(({ deviceIds }) => deviceIds).sort().slice(0, devices);
  const lagging = new LaggingDevices(new WriterMark(db));
  const page = { after: undefined, limit: first.length, withLatest: true };
  return {
    what: `the newest reading of ${first.length.toLocaleString("en")} devices`,
    async stored() {
      const found = await currentDevices(db, defaultTenant, lagging, page);
      return found.filter(({ latest }) => latest !== undefined).length;
    },
    plain: async () => (await plainRows.newest(first)).length,
  };
}

/** Has the rows of devices tell their newest readings, as the backend does that stores these. */
export async function devicesTold(
  db: Kysely<Database>,
  runs: readonly StoredRun[],
): Promise<void> {
  for (const { deviceIds } of runs) {
    await refreshDevices(db, defaultTenant, new Map(deviceIds.map((id) => [id, undefined])));
  }
}
