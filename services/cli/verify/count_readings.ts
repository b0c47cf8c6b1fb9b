import type { Kysely } from "kysely";
import { retryQuery } from "../../backend/store/connection/retry_query.ts";
import type { Database } from "../../backend/store/database.ts";
import type { ReadingKey } from "../../backend/store/readings/reading_key.ts";
import {
  countPage,
  countUpTo,
  type OpenSpan,
  pageDeviceIds,
  pageParkedIds,
  type ReadingTable,
} from "../../backend/store/runs/count_run.ts";

export interface CountContext {
  readonly db: Kysely<Database>;
  readonly signal: AbortSignal;
}

/** Rows that one statement counts, at most, so that none takes long, whatever there is. */
const pageRows = 50_000;
/** Devices that one statement looks at, at most. */
const groupDevices = 1_000;
const idsAPage = 5_000;
const tables: readonly ReadingTable[] = ["sensor_readings", "parked_readings"];

/** Readings of devices that are not of the run, within its time. */
export interface ForeignReadings {
  readonly readings: number;
  /** The first of them, with how many readings each has. */
  readonly examples: readonly { readonly deviceId: string; readonly readings: number }[];
}

/** How many readings of the devices are stored or parked within the span. */
export async function countReadings(
  context: CountContext,
  deviceIds: readonly string[],
  span: OpenSpan,
): Promise<number> {
  let total = 0;
  for (const table of tables) {
    for (const count of await countEach(context, table, deviceIds, span)) total += count;
  }
  return total;
}

/** How many readings are parked, of any device. */
export function countAllParked(context: CountContext): Promise<number> {
  return countPages(context, "parked_readings", {});
}

/**
 * Counts the readings, stored or parked, of all devices that are not `ours`.
 *
 * @param maxExamples devices to name
 */
export async function countForeign(
  context: CountContext,
  { ours, span, maxExamples }: {
    readonly ours: { has(deviceId: string): boolean };
    readonly span: OpenSpan;
    readonly maxExamples: number;
  },
): Promise<ForeignReadings> {
  const { db, signal } = context;
  const examples = new Map<string, number>();
  let readings = 0;
  for (const table of tables) {
    // A stored reading has a device, by its foreign key.
    const pageIds = table === "sensor_readings" ? pageDeviceIds : pageParkedIds;
    for (let after: string | undefined = ""; after !== undefined;) {
      signal.throwIfAborted();
      const from: string = after;
      const page = await retryQuery(signal, () => pageIds(db, { after: from, limit: idsAPage }));
      const others = page.filter((id) => !ours.has(id));
      const counts = await countEach(context, table, others, span);
      for (const [at, count] of counts.entries()) {
        if (count === 0) continue;
        readings += count;
        const deviceId = others[at]!;
        const before = examples.get(deviceId);
        if (before === undefined && examples.size >= maxExamples) continue;
        examples.set(deviceId, (before ?? 0) + count);
      }
      after = page.length < idsAPage ? undefined : page.at(-1);
    }
  }
  return {
    readings,
    examples: [...examples].map(([deviceId, readings]) => ({ deviceId, readings })),
  };
}

async function countEach(
  context: CountContext,
  table: ReadingTable,
  deviceIds: readonly string[],
  span: OpenSpan,
): Promise<readonly number[]> {
  const { db, signal } = context;
  const counts: number[] = [];
  for (let first = 0; first < deviceIds.length; first += groupDevices) {
    signal.throwIfAborted();
    const group = deviceIds.slice(first, first + groupDevices);
    const limit = Math.ceil(pageRows / group.length);
    const counted = await retryQuery(
      signal,
      () => countUpTo(db, table, { deviceIds: group, span, limit }),
    );
    for (const [at, count] of counted.entries()) {
      const deviceId = group[at]!;
      counts.push(count < limit ? count : await countPages(context, table, { deviceId, span }));
    }
  }
  return counts;
}

async function countPages(
  { db, signal }: CountContext,
  table: ReadingTable,
  which: { readonly deviceId?: string; readonly span?: OpenSpan },
): Promise<number> {
  let total = 0;
  let after: ReadingKey | undefined;
  do {
    signal.throwIfAborted();
    const page = { ...which, after, limit: pageRows };
    const { count, last } = await retryQuery(signal, () => countPage(db, table, page));
    total += count;
    after = last;
  } while (after !== undefined);
  return total;
}
