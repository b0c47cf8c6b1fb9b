import type { Kysely } from "kysely";
import { retryQuery } from "../../backend/api/retry_query.ts";
import type { Database } from "../../backend/store/database.ts";
import {
  countOutside,
  countParked,
  packedRowBytes,
  type PackedRows,
  pageRun,
} from "../../backend/store/read_run.ts";
import { Fleet } from "../../generator/fleet/fleet.ts";
import type { RunManifest } from "../../generator/run/run_manifest.ts";
import { DeviceComparison, type Found } from "./device_comparison.ts";
import { noReadings, type ReadingCounts, type RunCounts } from "./run_counts.ts";
import { turnsOf } from "./turns.ts";

export interface VerifyRunOptions {
  readonly db: Kysely<Database>;
  readonly manifest: RunManifest;
  /** Only turns that are due before this instant are looked at. */
  readonly untilUs: number;
  readonly signal: AbortSignal;
  readonly onDifference: (deviceId: string, found: Found) => void;
  readonly onDevice: (deviceId: string, counts: ReadingCounts) => void;
}

/** Devices of which rows are read in one statement, and rows of all of them together. */
const pageDevices = 1_000;
const pageRows = 20_000;

/**
 * Computes every reading of the run again and compares it with what is stored.
 * Devices are read in groups, and a device with many rows page by page, so that
 * memory is bounded by a page whatever the database holds.
 *
 * @throws the signal's reason when it is aborted.
 */
export async function verifyRun(options: VerifyRunOptions): Promise<RunCounts> {
  const { db, manifest, untilUs, signal, onDifference, onDevice } = options;
  const fleet = new Fleet(manifest.seed);
  const span = { fromMicros: manifest.startUs, untilMicros: untilUs };
  // One more than there should be: a page that is full is known to go on.
  const rowsOfDevice = turnsOf(manifest, 0, untilUs).count + 1;
  const groupSize = Math.max(1, Math.min(pageDevices, Math.floor(pageRows / rowsOfDevice)));
  const limit = Math.ceil(pageRows / groupSize);
  const totals = noReadings();
  let outside = 0;

  const read = async (first: number) => {
    const size = Math.min(groupSize, manifest.devices - first);
    const deviceIds = Array.from(
      { length: size },
      (_, at) => fleet.device(first + at, 0).deviceId,
    );
    const [pages, others] = await Promise.all([
      retryQuery(signal, () => pageRun(db, { deviceIds, span, limit })),
      retryQuery(signal, () => countOutside(db, deviceIds, span)),
    ]);
    return { deviceIds, pages, others };
  };

  const compareDevice = async (index: number, deviceId: string, page: PackedRows) => {
    const counts = noReadings();
    const turns = turnsOf(manifest, index, untilUs);
    const comparison = new DeviceComparison({
      turns,
      readingAt: (instantUs) => fleet.reading(index, instantUs),
      onDifference(found) {
        counts[found.difference]++;
        onDifference(deviceId, found);
      },
    });
    comparison.take(page);
    let full = page.byteLength === limit * packedRowBytes;
    while (full) {
      signal.throwIfAborted();
      const after = comparison.last!;
      const [next] = await retryQuery(
        signal,
        () => pageRun(db, { deviceIds: [deviceId], span, after, limit: pageRows }),
      );
      comparison.take(next!);
      full = next!.byteLength === pageRows * packedRowBytes;
    }
    comparison.finish();
    counts.expected = turns.count;
    counts.matched = comparison.matched;
    for (const key of Object.keys(totals) as (keyof ReadingCounts)[]) totals[key] += counts[key];
    onDevice(deviceId, counts);
  };

  // The database reads one group ahead of the comparison.
  let reading = read(0);
  for (let first = 0; first < manifest.devices; first += groupSize) {
    signal.throwIfAborted();
    const { deviceIds, pages, others } = await reading;
    if (first + groupSize < manifest.devices) {
      reading = read(first + groupSize);
      // Awaited in its turn; until then it may fail without being heard.
      reading.catch(() => {});
    }
    outside += others;
    for (const [at, page] of pages.entries()) {
      await compareDevice(first + at, deviceIds[at]!, page);
    }
  }
  const parkedInAll = await retryQuery(signal, () => countParked(db));
  return { ...totals, outside, parkedInAll };
}
