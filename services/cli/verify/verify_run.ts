import type { Kysely } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import { retryQuery } from "../../backend/store/connection/retry_query.ts";
import type { Database } from "../../backend/store/database.ts";
import { packedRowBytes, type PackedRows } from "../../backend/store/runs/packed_rows.ts";
import { pageRun } from "../../backend/store/runs/read_run.ts";
import { Fleet } from "../../generator/fleet/fleet.ts";
import type { RunManifest } from "../../generator/run/run_manifest.ts";
import { countOthers, countReadings } from "./count_readings.ts";
import { DeviceComparison, type Found } from "./device_comparison.ts";
import { turnsOf } from "./device_turns.ts";
import { FleetIds } from "./fleet_ids.ts";
import { noReadings, type ReadingCounts, type RunCounts } from "./run_counts.ts";

export interface VerifyRunOptions {
  readonly db: Kysely<Database>;
  readonly tenantId: TenantId;
  readonly manifest: RunManifest;
  /** Only turns that are due before this instant are looked at. */
  readonly untilUs: number;
  readonly signal: AbortSignal;
  readonly onDifference: (deviceId: string, found: Found) => void;
  readonly onDevice: (deviceId: string, counts: ReadingCounts) => void;
  /** Called with how many of the run's readings were compared since the last call. */
  readonly onProgress: (readings: number) => void;
  /** Devices to name that are not of the run, at most. */
  readonly maxExamples: number;
}

/** Readings that are to be compared: those that the run has until then. */
export function readingsOf(manifest: RunManifest, untilUs: number): number {
  let readings = 0;
  for (let index = 0; index < manifest.devices; index++) {
    readings += turnsOf(manifest, index, untilUs).count;
  }
  return readings;
}

/** Devices of which rows are read in one statement, and rows of all of them together. */
const pageDevices = 1_000;
const pageRows = 20_000;
/** Groups that the database reads meanwhile: it is slower than the comparison. */
const groupsAhead = 3;

/**
 * Computes every reading of the run again, compares it with what is stored, and
 * looks for readings of others within the run's time.
 * Devices are read in groups, and a device with many rows page by page, so that
 * memory is bounded by a page whatever the database holds.
 *
 * @throws the signal's reason when it is aborted.
 */
export async function verifyRun(options: VerifyRunOptions): Promise<RunCounts> {
  const { db, tenantId, manifest, untilUs, signal, onDifference, onDevice, onProgress } = options;
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
    const [pages, before, after] = await Promise.all([
      retryQuery(signal, () => pageRun(db, tenantId, { deviceIds, span, limit })),
      countReadings(options, deviceIds, { untilMicros: span.fromMicros }),
      countReadings(options, deviceIds, { fromMicros: span.untilMicros }),
    ]);
    return { deviceIds, pages, others: before + after };
  };

  const compareDevice = async (index: number, deviceId: string, page: PackedRows) => {
    const counts = noReadings();
    const turns = turnsOf(manifest, index, untilUs);
    const comparison = new DeviceComparison({
      turns,
      readingAt: fleet.sensorsOf(index),
      onDifference(found) {
        counts[found.difference]++;
        onDifference(deviceId, found);
      },
    });
    let compared = 0;
    const take = (rows: PackedRows) => {
      comparison.take(rows);
      onProgress(comparison.turn - compared);
      compared = comparison.turn;
    };
    take(page);
    let full = page.byteLength === limit * packedRowBytes;
    while (full) {
      signal.throwIfAborted();
      const after = comparison.last!;
      const [next] = await retryQuery(
        signal,
        () => pageRun(db, tenantId, { deviceIds: [deviceId], span, after, limit: pageRows }),
      );
      take(next!);
      full = next!.byteLength === pageRows * packedRowBytes;
    }
    comparison.finish();
    onProgress(turns.count - compared);
    counts.expected = turns.count;
    counts.matched = comparison.matched;
    for (const key of Object.keys(totals) as (keyof ReadingCounts)[]) totals[key] += counts[key];
    onDevice(deviceId, counts);
  };

  const ahead: ReturnType<typeof read>[] = [];
  let unread = 0;
  for (let first = 0; first < manifest.devices; first += groupSize) {
    for (; ahead.length < groupsAhead && unread < manifest.devices; unread += groupSize) {
      const reading = read(unread);
      // Awaited in its turn; until then it may fail without being heard.
      reading.catch(() => {});
      ahead.push(reading);
    }
    signal.throwIfAborted();
    const { deviceIds, pages, others } = await ahead.shift()!;
    outside += others;
    for (const [at, page] of pages.entries()) {
      await compareDevice(first + at, deviceIds[at]!, page);
    }
  }
  const ours = new FleetIds(fleet, manifest.devices);
  const { maxExamples } = options;
  const { foreign, parkedInAll, parkedOutside } = await countOthers(options, {
    ours,
    span,
    maxExamples,
  });
  return { ...totals, outside: outside + parkedOutside, foreign, parkedInAll };
}
