import { type Kysely, sql } from "kysely";
import { type MeasuredColumns, measures } from "#shared/telemetry/measures.ts";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import { paceReadings, typicalInterval } from "#shared/telemetry/typical_interval.ts";
import type { ReadingRow } from "../../readings/reading_row.ts";
import { float8Array, int8Array, textArray, timestamptzArray } from "../connection/binary_array.ts";
import { inTransaction } from "../connection/in_transaction.ts";
import type { Database } from "../database.ts";
import { openFromMicros } from "../partitions/open_from.ts";
import { measureColumnNames, measureColumns } from "../readings/measure_columns.ts";
import { pageReadings } from "../readings/page_readings.ts";
import { lastInstants, type LatestReading, latestReadings } from "../readings/read_readings.ts";
import type { SeenDevices } from "./lagging_devices.ts";
import { lockDevices } from "./lock_devices.ts";
import type { KnownPaces } from "./known_paces.ts";

/** What the row of a device is to tell; of the newest reading nothing where there is none. */
interface Refreshed extends Partial<Pick<ReadingRow, "micros" | "tieBreak" | "values">> {
  readonly deviceId: string;
  /** Unix microseconds; before any that is accepted to leave `last_seen` as it is. */
  readonly seenMicros: number;
  /** Undefined to leave it as it is. */
  readonly typicalInterval: number | undefined;
  /** `last_seen` from before its readings were looked up, in Unix microseconds; undefined if none were. */
  readonly asOfMicros: number | undefined;
}

/**
 * Brings the rows of devices up to date: `last_seen` goes forward to the newest
 * reading, never back, and never past now. A reading that is given is taken for
 * the newest where the row is not in doubt; else, and where the pace is not
 * known or was learned long ago, the newest are looked up.
 */
export async function refreshDevices(
  db: Kysely<Database>,
  tenantId: TenantId,
  seen: SeenDevices,
  paces?: KnownPaces,
): Promise<void> {
  const given: Refreshed[] = [];
  for (const [deviceId, reading] of seen) {
    if (reading === undefined || paces?.isDue(tenantId, deviceId) !== false) continue;
    const { micros, tieBreak, values } = reading;
    const untold = { typicalInterval: undefined, asOfMicros: undefined };
    given.push({ deviceId, seenMicros: micros, micros, tieBreak, values, ...untold });
  }
  const written = await write(db, tenantId, given, { doubtful: false });
  const left = new Map([...seen].filter(([id]) => !written.has(id)));
  const found = await lookUp(db, tenantId, left);
  await write(db, tenantId, found, { doubtful: true });
  for (const { deviceId, typicalInterval } of found) {
    if (typicalInterval !== undefined) paces?.learned(tenantId, deviceId);
  }
}

async function lookUp(
  db: Kysely<Database>,
  tenantId: TenantId,
  seen: SeenDevices,
): Promise<readonly Refreshed[]> {
  if (seen.size === 0) return [];
  const ids = [...seen.keys()];
  // First: whoever moves it while the readings are looked up leaves the row in doubt.
  const asOf = await lastSeenOf(db, tenantId, ids);
  const latest = await newestReadings(db, tenantId, ids);
  // When it was heard of is known from what it said, or else from what there is.
  const unheard = [...seen].filter(([, reading]) => reading === undefined).map(([id]) => id);
  const last = await lastInstants(db, tenantId, unheard);
  return [...seen].map(([deviceId, reading]) => {
    const newest = latest.get(deviceId);
    const lastSeconds = last.get(deviceId);
    const lastMicros = lastSeconds === undefined
      ? newest?.position.micros
      : lastSeconds * 1_000_000;
    return {
      deviceId,
      seenMicros: reading?.micros ?? lastMicros ?? 0,
      typicalInterval: newest?.typicalIntervalSeconds,
      asOfMicros: asOf.get(deviceId),
      ...newest && {
        ...newest.position,
        values: measures.map(({ field }) => newest.reading[field]),
      },
    };
  });
}

/** The newest reading of each, in whatever form it is. */
async function newestReadings(
  db: Kysely<Database>,
  tenantId: TenantId,
  ids: readonly string[],
): Promise<ReadonlyMap<string, LatestReading>> {
  const { openFrom } = await db.selectNoFrom(openFromMicros.as("openFrom"))
    .executeTakeFirstOrThrow();
  const newest = new Map(await latestReadings(db, tenantId, ids));
  for (const deviceId of ids) {
    const found = newest.get(deviceId);
    if (found !== undefined && found.position.micros >= (openFrom ?? Infinity)) continue;
    // Of the days that are open it has none.
    const page = { deviceId, before: undefined, limit: paceReadings };
    const readings = await pageReadings(db, tenantId, page);
    if (readings[0] === undefined) continue;
    const seconds = readings.map(({ position }) => position.micros / 1_000_000);
    newest.set(deviceId, {
      ...readings[0],
      typicalIntervalSeconds: typicalInterval(seconds),
    });
  }
  return newest;
}

/** In Unix microseconds. */
async function lastSeenOf(
  db: Kysely<Database>,
  tenantId: TenantId,
  ids: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await db.selectFrom("iot_devices")
    .select([
      "device_id",
      sql<number>`(extract(epoch from last_seen) * 1000000)::float8`.as("micros"),
    ])
    .where("tenant_id", "=", tenantId)
    .where("device_id", "=", sql<string>`any(${textArray(ids)}::text[])`)
    .execute();
  return new Map(rows.map(({ device_id, micros }) => [device_id, micros]));
}

/** Whether a row tells of something newer than what was found: that may be dropped by now. */
const tellsNewer = sql<boolean>`coalesce(
  (d.latest_timestamp, d.latest_tie_break) > (fresh."timestamp", fresh.tie_break),
  d.latest_timestamp is not null
)`;

/**
 * Writes what rows are to tell, and returns whose were written. Those that tell of
 * something newer go on with that: where they were in doubt, they no longer are.
 */
async function write(
  db: Kysely<Database>,
  tenantId: TenantId,
  rows: readonly Refreshed[],
  { doubtful }: { readonly doubtful: boolean },
): Promise<ReadonlySet<string>> {
  if (rows.length === 0) return new Set();
  const ids = rows.map(({ deviceId }) => deviceId);
  const lastSeen = sql<Date>`greatest(d.last_seen, least(fresh.seen, now()))`;
  const newest = <Value>(column: string) =>
    sql<Value>`case when ${tellsNewer} then ${sql.ref(`d.latest_${column}`)}
      else ${sql.ref(`fresh.${column}`)} end`;
  const written = await inTransaction(db, async (transaction) => {
    await lockDevices(transaction, "alone");
    return await transaction.updateTable("iot_devices as d")
      .from(freshOf(rows))
      .set((row) => ({
        last_seen: lastSeen,
        latest_for: sql<Date>`greatest(
          coalesce(fresh.as_of, d.last_seen), least(fresh.seen, now()),
          case when ${tellsNewer} then d.latest_for end
        )`,
        latest_timestamp: newest<Date>("timestamp"),
        latest_tie_break: newest<string>("tie_break"),
        typical_interval: row.fn.coalesce("fresh.typical_interval", "d.typical_interval"),
        ...Object.fromEntries(
          measureColumnNames.map((column) => [`latest_${column}`, newest<number>(column)]),
        ),
      }))
      .where("d.tenant_id", "=", tenantId)
      .whereRef("d.device_id", "=", "fresh.device_id")
      // Says it once more, for Citus: which shards these are on.
      .where("d.device_id", "=", sql<string>`any(${textArray(ids)}::text[])`)
      .$if(
        !doubtful,
        (update) =>
          update.where((is) => is.not(tellsNewer)).whereRef("d.latest_for", "=", "d.last_seen"),
      )
      .returning("d.device_id")
      .execute();
  });
  return new Set(written.map(({ device_id }) => device_id));
}

type FreshColumns =
  & {
    readonly device_id: string;
    readonly seen: Date;
    readonly timestamp: Date | null;
    readonly tie_break: string | null;
    readonly typical_interval: number | null;
    readonly as_of: Date | null;
  }
  & { readonly [Column in keyof MeasuredColumns]: number | null };

/** The rows as a table of a statement. */
function freshOf(rows: readonly Refreshed[]) {
  return sql<FreshColumns>`unnest(
    ${textArray(rows.map(({ deviceId }) => deviceId))}::text[],
    ${timestamptzArray(rows.map(({ seenMicros }) => seenMicros))}::timestamptz[],
    ${timestamptzArray(rows.map(({ micros }) => micros))}::timestamptz[],
    ${int8Array(rows.map(({ tieBreak }) => tieBreak))}::int8[],
    ${float8Array(rows.map(({ typicalInterval }) => typicalInterval))}::float8[],
    ${timestamptzArray(rows.map(({ asOfMicros }) => asOfMicros))}::timestamptz[],
    ${
    sql.join(measures.map((_, at) =>
      sql`${float8Array(rows.map(({ values }) => values?.[at]))}::float8[]`
    ))
  }
  )`.as<"fresh">(
    sql`fresh(device_id, seen, "timestamp", tie_break, typical_interval, as_of, ${measureColumns})`,
  );
}
