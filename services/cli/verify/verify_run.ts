import type { Kysely } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import { retryQuery } from "../../backend/store/connection/retry_query.ts";
import type { Database } from "../../backend/store/database.ts";
import { dayMicros, dayOf } from "../../backend/store/partitions/days.ts";
import { rollupProgress } from "../../backend/store/rollups/rollup_progress.ts";
import { packedRowBytes, type PackedRows } from "../../backend/store/runs/packed_rows.ts";
import { pageRollups, type RollupPage } from "../../backend/store/runs/page_rollups.ts";
import { pageRun, type RunPage } from "../../backend/store/runs/read_run.ts";
import type { Span } from "../../backend/store/runs/span.ts";
import { Fleet } from "../../generator/fleet/fleet.ts";
import type { RunManifest } from "../../generator/run/run_manifest.ts";
import { BucketTally } from "./bucket_tally.ts";
import { countOthers, countReadings } from "./count_readings.ts";
import { DeviceComparison, type Found } from "./device_comparison.ts";
import { turnsOf } from "./device_turns.ts";
import { FleetIds } from "./fleet_ids.ts";
import { type FoundRollup, RollupComparison } from "./rollup_comparison.ts";
import { addCounts, type DeviceCounts, noCounts, type RunCounts } from "./run_counts.ts";

export interface VerifyRunOptions {
  readonly db: Kysely<Database>;
  readonly tenantId: TenantId;
  readonly manifest: RunManifest;
  /** Only turns that are due before this instant are looked at. */
  readonly untilUs: number;
  readonly signal: AbortSignal;
  readonly onDifference: (deviceId: string, found: Found) => void;
  readonly onRollupDifference: (deviceId: string, found: FoundRollup) => void;
  readonly onDevice: (deviceId: string, counts: DeviceCounts) => void;
  /** Called with how many of the run's readings were compared since the last call. */
  readonly onProgress: (readings: number) => void;
  /** Devices to name that are not of the run, at most. */
  readonly maxExamples: number;
  /** Rows that a statement reads, about, and rollups; 20,000 unless given. */
  readonly pageRows?: number;
}

/** Readings that are to be compared: those that the run has until then. */
export function readingsOf(manifest: RunManifest, untilUs: number): number {
  let readings = 0;
  for (let index = 0; index < manifest.devices; index++) {
    readings += turnsOf(manifest, index, untilUs).count;
  }
  return readings;
}

/** Devices of which rows are read in one statement, at most. */
const pageDevices = 1_000;
/** Groups that the database reads meanwhile: it is slower than the comparison. */
const groupsAhead = 3;

/**
 * Computes every reading of the run again, compares it with what is stored, and
 * what they come to with the rollups, and looks for readings of others within
 * the run's time.
 * Devices are read in groups, and a device with many rows page by page, so that
 * memory is bounded by a page whatever the database holds.
 *
 * @throws the signal's reason when it is aborted.
 */
export async function verifyRun(options: VerifyRunOptions): Promise<RunCounts> {
  const { db, tenantId, manifest, untilUs, signal, pageRows = 20_000 } = options;
  const fleet = new Fleet(manifest.seed);
  const span = { fromMicros: manifest.startUs, untilMicros: untilUs };
  // One more than there should be: a page that is full is known to go on.
  const rowsOfDevice = turnsOf(manifest, 0, untilUs).count + 1;
  const groupSize = Math.max(1, Math.min(pageDevices, Math.floor(pageRows / rowsOfDevice)));
  const limit = Math.ceil(pageRows / groupSize);
  const totals = noCounts();
  let outside = 0;

  /** Rows, and then until when readings may be gone by now. */
  const readRows = async (page: RunPage) => {
    const rows = await retryQuery(signal, () => pageRun(db, tenantId, page));
    return { rows, progress: await retryQuery(signal, () => rollupProgress(db)) };
  };

  const readRollups = async (deviceIds: readonly string[], fromMicros: number) => {
    const days = rollupDays(manifest.intervalUs, pageRows / deviceIds.length);
    const end = dayOf(untilUs - 1) + dayMicros;
    const untilMicros = Math.min(fromMicros + days * dayMicros, end);
    const page = { deviceIds, span: { fromMicros, untilMicros } };
    return await retryQuery(signal, () => pageRollups(db, tenantId, page));
  };

  const readStored = async (deviceIds: readonly string[]) => {
    const { rows, progress } = await readRows({ deviceIds, span, limit });
    // Rows first: what was among them is in the rollups, or marked, when these are read.
    const rollups = progress.rolledUntilMicros > span.fromMicros
      ? await readRollups(deviceIds, dayOf(span.fromMicros))
      : [];
    return { rows, rollups, dropped: progress.dropped };
  };

  const read = async (first: number) => {
    const size = Math.min(groupSize, manifest.devices - first);
    const deviceIds = Array.from(
      { length: size },
      (_, at) => fleet.device(first + at, 0).deviceId,
    );
    const [stored, before, after] = await Promise.all([
      readStored(deviceIds),
      countReadings(options, deviceIds, { untilMicros: span.fromMicros }),
      countReadings(options, deviceIds, { fromMicros: span.untilMicros }),
    ]);
    return { deviceIds, stored, others: before + after };
  };

  const compareDevice = async (index: number, deviceId: string, stored: StoredOfDevice) => {
    const counts = noCounts();
    const turns = turnsOf(manifest, index, untilUs);
    let { rollups: rollupPage } = stored;
    const tally = rollupPage === undefined ? undefined : new BucketTally();
    let reachedUs = -Infinity;
    const comparison = new DeviceComparison({
      turns,
      readingAt: fleet.sensorsOf(index),
      onDifference(found) {
        counts.readings[found.difference]++;
        options.onDifference(deviceId, found);
      },
      onTurn(instantUs, published) {
        tally?.add(instantUs, published);
        reachedUs = instantUs;
      },
    });
    const rollups = new RollupComparison(span, (found) => {
      counts.rollups[found.difference]++;
      options.onRollupDifference(deviceId, found);
    });
    const compareRollups = async () => {
      while (rollupPage !== undefined && rollupPage.span.untilMicros <= reachedUs) {
        rollups.take(rollupPage, tally!.closed);
        const { untilMicros } = rollupPage.span;
        rollupPage = untilMicros < untilUs
          ? (await readRollups([deviceId], untilMicros))[0]
          : undefined;
      }
    };
    let compared = 0;
    const take = async (rows: PackedRows, dropped: readonly Span[]) => {
      comparison.take(rows, dropped);
      options.onProgress(comparison.turn - compared);
      compared = comparison.turn;
      await compareRollups();
    };
    await take(stored.rows, stored.dropped);
    let full = stored.rows.byteLength === limit * packedRowBytes;
    while (full) {
      signal.throwIfAborted();
      const after = comparison.last!;
      const page = { deviceIds: [deviceId], span, after, limit: pageRows };
      const { rows: [next], progress } = await readRows(page);
      await take(next!, progress.dropped);
      full = next!.byteLength === pageRows * packedRowBytes;
    }
    comparison.finish();
    tally?.finish();
    reachedUs = Infinity;
    await compareRollups();
    options.onProgress(turns.count - compared);
    counts.readings.expected = turns.count;
    counts.readings.matched = comparison.matched;
    counts.readings.dropped = comparison.dropped;
    counts.rollups.matched = rollups.matched;
    addCounts(totals, counts);
    options.onDevice(deviceId, counts);
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
    const { deviceIds, stored: { rows, rollups, dropped }, others } = await ahead
      .shift()!;
    outside += others;
    for (const [at, deviceId] of deviceIds.entries()) {
      const stored = { rows: rows[at]!, rollups: rollups[at], dropped };
      await compareDevice(first + at, deviceId, stored);
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

/** The first page of what is there of a device. */
interface StoredOfDevice {
  readonly rows: PackedRows;
  /** Undefined where nothing is rolled up. */
  readonly rollups: RollupPage | undefined;
  /** Readings of these days may be gone. */
  readonly dropped: readonly Span[];
}

/** Days of which a device has about so many rollups; at least 1. */
function rollupDays(intervalUs: number, rollups: number): number {
  const turns = Math.ceil(dayMicros / intervalUs);
  const rollupsADay = Math.min(turns, 1_440) + Math.min(turns, 24) + 1;
  return Math.max(1, Math.floor(rollups / rollupsADay));
}
