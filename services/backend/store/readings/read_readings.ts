import { type ExpressionBuilder, type Kysely, sql } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import { paceReadings, typicalInterval } from "#shared/telemetry/typical_interval.ts";
import { textArray } from "../connection/binary_array.ts";
import type { Database } from "../database.ts";
import { place, placedColumns, type PlacedReading } from "../rows/placed_reading.ts";

/** A device's newest reading. */
export interface LatestReading extends PlacedReading {
  /** The usual seconds between two of its newest few readings; undefined where these are too few. */
  readonly typicalIntervalSeconds: number | undefined;
}

/** The newest reading of each of the devices that are registered and have one. */
export async function latestReadings(
  db: Kysely<Database>,
  tenantId: TenantId,
  deviceIds: readonly string[],
): Promise<ReadonlyMap<string, LatestReading>> {
  if (deviceIds.length === 0) return new Map();
  const rows = await devicesOf(db, tenantId, deviceIds)
    .crossJoinLateral((from) =>
      from.selectFrom("sensor_readings")
        .select(placedColumns)
        .whereRef("sensor_readings.tenant_id", "=", "d.tenant_id")
        .whereRef("sensor_readings.device_id", "=", "d.device_id")
        .orderBy("timestamp", "desc").orderBy("tie_break", "desc")
        .limit(1)
        .as("latest")
    )
    .crossJoinLateral((from) =>
      from.selectFrom((of) =>
        of.selectFrom("sensor_readings as r")
          .select("r.timestamp")
          .whereRef("r.tenant_id", "=", "d.tenant_id")
          .whereRef("r.device_id", "=", "d.device_id")
          .orderBy("r.timestamp", "desc")
          .limit(sql.lit(paceReadings))
          .as("newest")
      )
        // As text, since drivers differ in how they read JSON.
        .select(sql<string>`json_agg(extract(epoch from newest."timestamp"))::text`.as("seconds"))
        .as("recent")
    )
    .selectAll("latest")
    .select("recent.seconds")
    .execute();
  return new Map(rows.map(({ seconds, ...row }) => {
    // An array of numbers, by the query.
    const typicalIntervalSeconds = typicalInterval(JSON.parse(seconds) as number[]);
    return [row.device_id, { ...place(row), typicalIntervalSeconds }];
  }));
}

/** The instant of the newest reading of each of the devices that is not ahead of now; Unix seconds. */
export async function lastInstants(
  db: Kysely<Database>,
  tenantId: TenantId,
  deviceIds: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (deviceIds.length === 0) return new Map();
  const rows = await devicesOf(db, tenantId, deviceIds)
    .crossJoinLateral((from) => lastInstant(from).as("last"))
    .select([
      "d.device_id",
      sql<number>`floor(extract(epoch from last."timestamp"))::float8`.as("seconds"),
    ])
    .execute();
  return new Map(rows.map(({ device_id, seconds }) => [device_id, seconds]));
}

/** The instant of the newest reading of the device `d` that is not ahead of now. */
export function lastInstant(
  from: ExpressionBuilder<Database & { d: Database["iot_devices"] }, "d">,
) {
  return from.selectFrom("sensor_readings as r")
    .select("r.timestamp")
    .whereRef("r.tenant_id", "=", "d.tenant_id")
    .whereRef("r.device_id", "=", "d.device_id")
    .where("r.timestamp", "<=", sql<Date>`now()`)
    .orderBy("r.timestamp", "desc")
    .limit(1);
}

/** Those of the devices that are registered, as `d`: Citus joins sideways from a table only. */
function devicesOf(db: Kysely<Database>, tenantId: TenantId, deviceIds: readonly string[]) {
  return db.selectFrom("iot_devices as d")
    .where("d.tenant_id", "=", tenantId)
    .where("d.device_id", "=", sql<string>`any(${textArray(deviceIds)}::text[])`);
}
