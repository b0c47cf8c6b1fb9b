import { type ExpressionBuilder, type Kysely, sql } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import { textArray } from "../connection/binary_array.ts";
import type { Database } from "../database.ts";
import { measureColumnNames } from "../readings/measure_columns.ts";
import type { ReadingKey } from "../readings/reading_key.ts";
import { keyColumns, keyTuple } from "./parked_keys.ts";

/** Readings that have left where they were parked for where they belong. */
export interface MovedReadings {
  readonly moved: number;
  /** Those among them that were stored before. */
  readonly duplicates: number;
  /** Whose they are. */
  readonly deviceIds: readonly string[];
}

export const nothingMoved: MovedReadings = { moved: 0, duplicates: 0, deviceIds: [] };

/** Parked readings that are due. */
export interface DueReadings {
  readonly tenantId: TenantId;
  /** Devices that have some, in the order of their ids. */
  readonly deviceIds: readonly string[];
  readonly count: number;
  /** The last of them, in the order of the keys. */
  readonly last: ReadingKey;
}

/**
 * The first `limit` that are parked of devices which are known by now, but for
 * those that the database refuses.
 */
export async function findDue(
  db: Kysely<Database>,
  tenantId: TenantId,
  deviceIds: readonly string[],
  limit: number,
): Promise<DueReadings | undefined> {
  const newest = await db
    .selectFrom((eb) =>
      eb.selectFrom("parked_readings")
        .select(["device_id", "timestamp", "tie_break"])
        .where(isOf(tenantId, deviceIds))
        .orderBy("device_id").orderBy("timestamp").orderBy("tie_break")
        .limit(limit)
        .as("due")
    )
    .distinctOn("device_id")
    .select([...keyColumns, sql<number>`(count(*) over ())::int`.as("count")])
    .orderBy("device_id").orderBy("timestamp", "desc").orderBy("tie_break", "desc")
    .execute();
  const last = newest.at(-1);
  if (last === undefined) return undefined;
  const { count } = last;
  return { tenantId, deviceIds: newest.map(({ deviceId }) => deviceId), count, last };
}

/**
 * Moves what is due (`lockParked`). Only what is stored by then is deleted: a
 * reading that somebody parks between the two statements stays.
 */
export async function moveParked(
  transaction: Kysely<Database>,
  { tenantId, deviceIds, last }: DueReadings,
): Promise<MovedReadings> {
  const isDue = (eb: ExpressionBuilder<Database, "parked_readings">) =>
    eb.and([
      isOf(tenantId, deviceIds)(eb),
      eb(eb.refTuple("device_id", "timestamp", "tie_break"), "<=", keyTuple(last)),
    ]);
  const { stored } = await transaction
    .with("written", (db) =>
      db.insertInto("sensor_readings")
        .columns(columns)
        .expression((eb) =>
          eb.selectFrom("parked_readings").select(columns).where(isDue)
            .orderBy("device_id").orderBy("timestamp").orderBy("tie_break")
        )
        .onConflict((conflict) => conflict.doNothing())
        // Counted by the statement: Citus reports the rows that it was given.
        .returning("tenant_id"))
    .selectFrom("written")
    .select(({ fn }) => sql<number>`${fn.countAll()}::int`.as("stored"))
    .executeTakeFirstOrThrow();
  const devices = await transaction
    .with("gone", (db) =>
      db.deleteFrom("parked_readings")
        .where(isDue)
        // A subquery goes by the index; for a join, the planner may read all readings.
        .where((eb) =>
          eb(
            eb.selectFrom("sensor_readings as r").select(sql.lit(true).as("stored"))
              .whereRef("r.tenant_id", "=", "parked_readings.tenant_id")
              .whereRef("r.device_id", "=", "parked_readings.device_id")
              .whereRef("r.timestamp", "=", "parked_readings.timestamp")
              .whereRef("r.tie_break", "=", "parked_readings.tie_break"),
            "is",
            sql.lit(true),
          )
        )
        .returning("device_id"))
    .selectFrom("gone")
    .select(({ fn }) => [
      "device_id as deviceId",
      sql<number>`${fn.countAll()}::int`.as("moved"),
    ])
    .groupBy("device_id")
    .execute();
  const moved = devices.reduce((sum, { moved }) => sum + moved, 0);
  return {
    moved,
    duplicates: moved - stored,
    deviceIds: devices.map(({ deviceId }) => deviceId),
  };
}

const columns = [
  "tenant_id",
  "device_id",
  "timestamp",
  "tie_break",
  ...measureColumnNames,
] as const;

/** Of one of the devices, and not refused. */
function isOf(tenantId: TenantId, deviceIds: readonly string[]) {
  return (eb: ExpressionBuilder<Database, "parked_readings">) =>
    eb.and([
      eb("tenant_id", "=", tenantId),
      eb("device_id", "=", sql<string>`any(${textArray(deviceIds)}::text[])`),
      eb("refused", "is", null),
    ]);
}
