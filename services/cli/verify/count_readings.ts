import type { Kysely } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import type { ReadingPosition } from "../../backend/readings/reading_row.ts";
import { retryQuery } from "../../backend/store/connection/retry_query.ts";
import type { Database } from "../../backend/store/database.ts";
import {
  countPage,
  countUpTo,
  pageDeviceIds,
  pageParked,
} from "../../backend/store/runs/count_run.ts";
import type { OpenSpan, Span } from "../../backend/store/runs/span.ts";

export interface CountContext {
  readonly db: Kysely<Database>;
  readonly tenantId: TenantId;
  readonly signal: AbortSignal;
}

/** Rows that one statement counts, at most, so that none takes long, whatever there is. */
const pageRows = 50_000;
/** Devices that one statement looks at, at most. */
const groupDevices = 1_000;
const idsAPage = 5_000;

/** Readings of devices that are not of the run, within its time. */
export interface ForeignReadings {
  readonly readings: number;
  /** The first of them, with how many readings each has. */
  readonly examples: readonly { readonly deviceId: string; readonly readings: number }[];
}

/** What is there beside the run's readings. */
export interface OtherReadings {
  readonly foreign: ForeignReadings;
  readonly parkedInAll: number;
  /** Parked readings of the run's devices that are not within its time. */
  readonly parkedOutside: number;
}

/** How many readings of the devices are stored within the span. */
export async function countReadings(
  context: CountContext,
  deviceIds: readonly string[],
  span: OpenSpan,
): Promise<number> {
  const counts = await countEach(context, deviceIds, span);
  return counts.reduce((total, count) => total + count, 0);
}

/**
 * Counts what devices that are not `ours` have stored, and what any has parked.
 *
 * @param maxExamples devices to name
 */
export async function countOthers(
  context: CountContext,
  { ours, span, maxExamples }: {
    readonly ours: { has(deviceId: string): boolean };
    readonly span: Span;
    readonly maxExamples: number;
  },
): Promise<OtherReadings> {
  const { db, tenantId, signal } = context;
  const examples = new Map<string, number>();
  let readings = 0;
  const addForeign = (deviceId: string, count: number) => {
    if (count === 0) return;
    readings += count;
    const before = examples.get(deviceId);
    if (before !== undefined || examples.size < maxExamples) {
      examples.set(deviceId, (before ?? 0) + count);
    }
  };

  const stored = (after: string) => pageDeviceIds(db, tenantId, { after, limit: idsAPage });
  for await (const page of pages(signal, idsAPage, stored, (deviceId) => deviceId)) {
    const others = page.filter((deviceId) => !ours.has(deviceId));
    const counts = await countEach(context, others, span);
    for (const [at, count] of counts.entries()) addForeign(others[at]!, count);
  }

  let parkedInAll = 0;
  let parkedOutside = 0;
  const parked = (after: string) => pageParked(db, tenantId, { span, after, limit: idsAPage });
  for await (const page of pages(signal, idsAPage, parked, ({ deviceId }) => deviceId)) {
    for (const { deviceId, all, withinSpan } of page) {
      parkedInAll += all;
      if (ours.has(deviceId)) parkedOutside += all - withinSpan;
      else addForeign(deviceId, withinSpan);
    }
  }
  const foreign = {
    readings,
    examples: [...examples].map(([deviceId, readings]) => ({ deviceId, readings })),
  };
  return { foreign, parkedInAll, parkedOutside };
}

/** Pages of devices, by id, each `size` long but for the last. */
async function* pages<Device>(
  signal: AbortSignal,
  size: number,
  read: (after: string) => Promise<readonly Device[]>,
  idOf: (device: Device) => string,
): AsyncGenerator<readonly Device[]> {
  for (let after: string | undefined = ""; after !== undefined;) {
    signal.throwIfAborted();
    const from: string = after;
    const page = await retryQuery(signal, () => read(from));
    yield page;
    const last = page.at(-1);
    after = last === undefined || page.length < size ? undefined : idOf(last);
  }
}

async function countEach(
  context: CountContext,
  deviceIds: readonly string[],
  span: OpenSpan,
): Promise<readonly number[]> {
  const { db, tenantId, signal } = context;
  const counts: number[] = [];
  for (let first = 0; first < deviceIds.length; first += groupDevices) {
    signal.throwIfAborted();
    const group = deviceIds.slice(first, first + groupDevices);
    const limit = Math.ceil(pageRows / group.length);
    const counted = await retryQuery(
      signal,
      () => countUpTo(db, tenantId, { deviceIds: group, span, limit }),
    );
    for (const [at, { rows, packed }] of counted.entries()) {
      counts.push(packed + (rows < limit ? rows : await countDevice(context, group[at]!, span)));
    }
  }
  return counts;
}

/** How many rows a device has within the span. */
async function countDevice(
  { db, tenantId, signal }: CountContext,
  deviceId: string,
  span: OpenSpan,
): Promise<number> {
  let total = 0;
  let after: ReadingPosition | undefined;
  do {
    signal.throwIfAborted();
    const page = { deviceId, span, after, limit: pageRows };
    const { count, last } = await retryQuery(signal, () => countPage(db, tenantId, page));
    total += count;
    after = last;
  } while (after !== undefined);
  return total;
}
