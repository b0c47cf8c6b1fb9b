import { type Expression, type Kysely, sql, type SqlBool } from "kysely";
import type { SensorReading } from "#shared/gen/iot/v1/reading_pb.ts";
import { inTransaction } from "../connection/in_transaction.ts";
import type { Database } from "../database.ts";
import { measureColumnNames } from "../rows/measure_columns.ts";
import { instant } from "../rows/instant.ts";
import { place } from "../rows/placed_reading.ts";
import { lockParked } from "./lock_parked.ts";
import { longAgo } from "./parked_filter.ts";
import { keyColumns, keyRecords, type TenantKey } from "../rows/tenant_keys.ts";

/** How long and how many readings may be parked, of all tenants. */
export interface ParkedBounds {
  readonly maxAgeMs: number;
  readonly maxReadings: number;
}

/** Why a reading may stay parked no longer. */
export type LeavingReason = "parked_too_long" | "parked_overflow";

export interface LeavingReading {
  readonly key: TenantKey;
  readonly reading: SensorReading;
  readonly reason: LeavingReason;
  /** Unix milliseconds. */
  readonly parkedAtMs: number;
  /** Why the database refuses to move it; null if it waits for its device. */
  readonly refused: string | null;
}

/** Time that a backend has to part with what it took, before another one takes it. */
const leaseMs = 60_000;

/**
 * Takes up to `limit` of the readings that are past the bounds, the oldest
 * first, for the caller to part with and then delete (`deleteParked`). By the
 * earlier of the database's clock and this machine's, `nowMs`, they are too old. For a
 * minute no other caller gets them. Those whose device is known by now are left to
 * `releaseParked`, unless the database refuses them.
 */
export async function takeParked(
  db: Kysely<Database>,
  { maxAgeMs, maxReadings }: ParkedBounds,
  limit: number,
  nowMs: () => number = Date.now,
): Promise<readonly LeavingReading[]> {
  return await inTransaction(db, async (transaction) => {
    // Of a million rows, that takes a while: before the others have to wait.
    const mayBeOver = await countAll(transaction) > maxReadings;
    await lockParked(transaction);
    const tooOld = sql<SqlBool>`parked_at < ${longAgo(maxAgeMs)}
      and parked_at < ${instant((nowMs() - maxAgeMs) * 1_000)}`;
    const old = await take(transaction, "parked_too_long", tooOld, limit);
    if (old.length === limit || !mayBeOver) return old;
    const over = await countStaying(transaction) - maxReadings;
    if (over <= 0) return old;
    const most = Math.min(over, limit - old.length);
    return [...old, ...await take(transaction, "parked_overflow", sql<SqlBool>`true`, most)];
  });
}

async function countAll(db: Kysely<Database>): Promise<number> {
  const { count } = await db.selectFrom("parked_readings")
    .select(({ fn }) => sql<number>`${fn.countAll()}::int`.as("count"))
    .executeTakeFirstOrThrow();
  return count;
}

/** Without those that somebody has taken. */
async function countStaying(db: Kysely<Database>): Promise<number> {
  const { count } = await db.selectFrom("parked_readings")
    .select(({ fn }) => sql<number>`${fn.countAll()}::int`.as("count"))
    .where(stays)
    .executeTakeFirstOrThrow();
  return count;
}

const stays = sql<SqlBool>`(leaving_at is null or leaving_at < ${longAgo(leaseMs)})`;

async function take(
  transaction: Kysely<Database>,
  reason: LeavingReason,
  which: Expression<SqlBool>,
  limit: number,
): Promise<readonly LeavingReading[]> {
  const keys = await transaction.selectFrom("parked_readings as p")
    .select(["tenant_id as tenantId", ...keyColumns])
    .where(which)
    .where(stays)
    .where((eb) =>
      eb.or([
        eb("refused", "is not", null),
        // A subquery goes by the index; for a join, the planner would read all devices.
        eb(
          eb.selectFrom("iot_devices as d").select(sql.lit(true).as("known"))
            .whereRef("d.tenant_id", "=", "p.tenant_id")
            .whereRef("d.device_id", "=", "p.device_id"),
          "is not",
          sql.lit(true),
        ),
      ])
    )
    .orderBy("parked_at")
    .limit(limit)
    .execute();
  if (keys.length === 0) return [];
  const rows = await transaction.updateTable("parked_readings as p")
    .from(keyRecords(keys))
    .set({ leaving_at: sql<Date>`now()` })
    .whereRef("p.tenant_id", "=", "keys.tenant_id")
    .whereRef("p.device_id", "=", "keys.device_id")
    .whereRef("p.timestamp", "=", "keys.timestamp")
    .whereRef("p.tie_break", "=", "keys.tie_break")
    .returning([
      "p.tenant_id",
      "p.device_id",
      // In UTC it depends on no setting, which Citus asks of an update.
      sql<string>`(extract(epoch from p."timestamp" at time zone 'UTC') * 1000000)::bigint::text`
        .as("micros"),
      sql<string>`p.tie_break::text`.as("tie"),
      "refused",
      sql<number>`floor(extract(epoch from parked_at at time zone 'UTC') * 1000)::float8`
        .as("parkedAtMs"),
      ...measureColumnNames,
    ])
    .execute();
  return rows.map((row) => {
    const { reading, position: { micros, tieBreak } } = place(row);
    const { tenant_id: tenantId, device_id: deviceId, parkedAtMs, refused } = row;
    const key = { tenantId, deviceId, micros, tieBreak: String(tieBreak) };
    return { key, reading, reason, parkedAtMs, refused };
  });
}
