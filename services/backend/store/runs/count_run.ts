import { type Kysely, sql } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import type { ReadingPosition } from "../../readings/reading_row.ts";
import { textArray } from "../connection/binary_array.ts";
import type { Database } from "../database.ts";
import { type OpenSpan, past, type Span, within } from "./span.ts";

/**
 * How many readings each of the devices has stored within the span, in the
 * order of `deviceIds`; of one that has `limit` or more, `limit`.
 */
export async function countUpTo(
  db: Kysely<Database>,
  tenantId: TenantId,
  { deviceIds, span, limit }: {
    readonly deviceIds: readonly string[];
    readonly span: OpenSpan;
    readonly limit: number;
  },
): Promise<readonly number[]> {
  // From the devices, of which Citus knows where the rows are: what is stored has one.
  const rows = await db.selectFrom("iot_devices")
    .crossJoinLateral((eb) =>
      eb.selectFrom(
        eb.selectFrom("sensor_readings").select("tie_break")
          .where("sensor_readings.tenant_id", "=", tenantId)
          .whereRef("sensor_readings.device_id", "=", "iot_devices.device_id")
          .where(within(span)).limit(limit).as("found"),
      ).select(({ cast, fn }) => cast<number>(fn.countAll(), "integer").as("count")).as("counted")
    )
    .select(["device_id", "count"])
    .where("tenant_id", "=", tenantId)
    .where(sql<boolean>`device_id = any (${textArray(deviceIds)}::text[])`)
    .execute();
  const countOf = new Map(rows.map(({ device_id, count }) => [device_id, count]));
  return deviceIds.map((id) => countOf.get(id) ?? 0);
}

/**
 * Counts up to `limit` readings that a device has stored within the span, from
 * after the one at `after`. `last` is where to go on, and undefined at the end.
 */
export async function countPage(
  db: Kysely<Database>,
  tenantId: TenantId,
  { deviceId, span, after, limit }: {
    readonly deviceId: string;
    readonly span: OpenSpan;
    readonly after: ReadingPosition | undefined;
    readonly limit: number;
  },
): Promise<{ readonly count: number; readonly last: ReadingPosition | undefined }> {
  const last = await db.selectFrom(
    db.selectFrom("sensor_readings").select(["timestamp", "tie_break"])
      .where("tenant_id", "=", tenantId).where("device_id", "=", deviceId)
      .where(within(span))
      .$if(after !== undefined, (query) => query.where(past(">", after!)))
      .orderBy("timestamp").orderBy("tie_break").limit(limit).as("page"),
  )
    .select(({ cast, fn }) => [
      cast<number>(fn.countAll().over(), "integer").as("count"),
      sql<number>`(extract(epoch from "timestamp") * 1000000)::float8`.as("micros"),
      // Text, since drivers differ in how they read a bigint.
      cast<string>("tie_break", "text").as("tie"),
    ])
    .orderBy("timestamp", "desc").orderBy("tie_break", "desc").limit(1)
    .executeTakeFirst();
  if (last === undefined) return { count: 0, last: undefined };
  const { count, micros, tie } = last;
  return { count, last: count < limit ? undefined : { micros, tieBreak: BigInt(tie) } };
}

/** Ids of registered devices, by id from after `after`. */
export async function pageDeviceIds(
  db: Kysely<Database>,
  tenantId: TenantId,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<readonly string[]> {
  const rows = await db.selectFrom("iot_devices").select("device_id")
    .where("tenant_id", "=", tenantId).where("device_id", ">", after)
    .orderBy("device_id").limit(limit).execute();
  return rows.map(({ device_id }) => device_id);
}

/** What a device has parked. */
export interface ParkedCount {
  readonly deviceId: string;
  readonly all: number;
  readonly withinSpan: number;
}

/**
 * What each of up to `limit` devices has parked, by id from after `after`: of a
 * page's devices everything is counted, which is bounded by what may be parked.
 */
export async function pageParked(
  db: Kysely<Database>,
  tenantId: TenantId,
  { span, after, limit }: {
    readonly span: Span;
    readonly after: string;
    readonly limit: number;
  },
): Promise<readonly ParkedCount[]> {
  return await db.selectFrom("parked_readings")
    .select("device_id as deviceId")
    .select(({ cast, fn }) => [
      cast<number>(fn.countAll(), "float8").as("all"),
      cast<number>(fn.countAll().filterWhere(within(span)), "float8").as("withinSpan"),
    ])
    .where("tenant_id", "=", tenantId).where("device_id", ">", after)
    .groupBy("device_id").orderBy("device_id").limit(limit)
    .execute();
}
