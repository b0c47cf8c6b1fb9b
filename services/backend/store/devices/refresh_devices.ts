import { type Kysely, sql } from "kysely";
import { type MeasuredColumns, measures } from "#shared/telemetry/measures.ts";
import type { TenantId } from "../../readings/tenant.ts";
import { float8Array, int8Array, textArray, timestamptzArray } from "../connection/binary_array.ts";
import { inTransaction } from "../connection/in_transaction.ts";
import type { Database } from "../database.ts";
import { measureColumnNames, measureColumns } from "../readings/measure_columns.ts";
import { lastInstants, latestReadings } from "../readings/read_readings.ts";
import { lockDevices } from "./lock_devices.ts";

/** What the row of a device is to tell. */
interface Refreshed {
  readonly deviceId: string;
  /** Unix microseconds; undefined to leave `last_seen` as it is. */
  readonly seenMicros: number | undefined;
  /** Null, as all of the newest reading, where there is none. */
  readonly micros: number | undefined;
  readonly tieBreak: bigint | undefined;
  readonly values: readonly (number | undefined)[];
  readonly typicalInterval: number | undefined;
}

/**
 * Brings the rows of devices up to date: `last_seen` goes forward to the instant
 * given, by device id in Unix microseconds, and where that is undefined, to the
 * newest reading that is not ahead of now; never back, and never past now. Their
 * newest readings are looked up.
 */
export async function refreshDevices(
  db: Kysely<Database>,
  tenantId: TenantId,
  seen: ReadonlyMap<string, number | undefined>,
): Promise<void> {
  const ids = [...seen.keys()];
  const latest = await latestReadings(db, tenantId, ids);
  const untold = ids.filter((id) => seen.get(id) === undefined);
  const last = await lastInstants(db, tenantId, untold);
  const rows = ids.map((deviceId): Refreshed => {
    const newest = latest.get(deviceId);
    const lastSeconds = last.get(deviceId);
    return {
      deviceId,
      seenMicros: seen.get(deviceId) ?? (lastSeconds && lastSeconds * 1_000_000),
      micros: newest?.position.micros,
      tieBreak: newest?.position.tieBreak,
      values: measures.map(({ field }) => newest?.reading[field]),
      typicalInterval: newest?.typicalIntervalSeconds,
    };
  });
  if (rows.length > 0) await inTransaction(db, (transaction) => write(transaction, tenantId, rows));
}

async function write(
  db: Kysely<Database>,
  tenantId: TenantId,
  rows: readonly Refreshed[],
): Promise<void> {
  const ids = rows.map(({ deviceId }) => deviceId);
  await lockDevices(db, "alone");
  const lastSeen = sql<Date>`greatest(d.last_seen, case
    when fresh.seen is not null then least(fresh.seen, now())
  end)`;
  await db.updateTable("iot_devices as d")
    .from(freshOf(rows))
    .set((row) => ({
      last_seen: lastSeen,
      latest_for: lastSeen,
      latest_timestamp: row.ref("fresh.timestamp"),
      latest_tie_break: row.ref("fresh.tie_break"),
      typical_interval: row.ref("fresh.typical_interval"),
      ...Object.fromEntries(
        measureColumnNames.map((column) => [`latest_${column}`, row.ref(`fresh.${column}`)]),
      ),
    }))
    .where("d.tenant_id", "=", tenantId)
    .whereRef("d.device_id", "=", "fresh.device_id")
    // Says it once more, for Citus: which shards these are on.
    .where("d.device_id", "=", sql<string>`any(${textArray(ids)}::text[])`)
    // Another replica may have looked later.
    .where(sql<boolean>`coalesce(
      (d.latest_timestamp, d.latest_tie_break) <= (fresh."timestamp", fresh.tie_break),
      d.latest_timestamp is null
    )`)
    .execute();
}

type FreshColumns =
  & {
    readonly device_id: string;
    readonly seen: Date | null;
    readonly timestamp: Date | null;
    readonly tie_break: string | null;
    readonly typical_interval: number | null;
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
    ${
    sql.join(measures.map((_, at) =>
      sql`${float8Array(rows.map(({ values }) => values[at]))}::float8[]`
    ))
  }
  )`.as<"fresh">(
    sql`fresh(device_id, seen, "timestamp", tie_break, typical_interval, ${measureColumns})`,
  );
}
