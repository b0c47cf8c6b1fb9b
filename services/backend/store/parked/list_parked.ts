import { type Expression, type Kysely, sql } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import { textArray } from "../connection/binary_array.ts";
import type { Database } from "../database.ts";
import { type ParkedFilter, passes } from "./parked_filter.ts";

/** What is parked of one device; instants in Unix milliseconds. */
export interface ParkedDevice {
  readonly deviceId: string;
  readonly count: number;
  readonly oldestMs: number;
  readonly newestMs: number;
  readonly parkedSinceMs: number;
  /** Registered by now: the job `release_parked` releases these, but for those that are refused. */
  readonly known: boolean;
  readonly refused: number;
  /** Why one of the refused is; null if none is. */
  readonly refusal: string | null;
}

export interface ParkedPage {
  readonly devices: readonly ParkedDevice[];
  /** Where the next page starts; undefined when this is the last. */
  readonly next: string | undefined;
}

/** The devices that have parked readings which pass the filter, by id, from after the id `after`. */
export async function listParked(
  db: Kysely<Database>,
  tenantId: TenantId,
  filter: ParkedFilter,
  { after, maxDevices }: { readonly after: string; readonly maxDevices: number },
): Promise<ParkedPage> {
  const page = await db.selectFrom("parked_readings")
    .select(({ fn }) => [
      "device_id as deviceId",
      sql<number>`${fn.countAll()}::int`.as("count"),
      sql<number>`${fn.count("refused")}::int`.as("refused"),
      fn.max("refused").as("refusal"),
      millis(fn.min("timestamp")).as("oldestMs"),
      millis(fn.max("timestamp")).as("newestMs"),
      millis(fn.min("parked_at")).as("parkedSinceMs"),
    ])
    .where("tenant_id", "=", tenantId)
    .where("device_id", ">", after)
    .where(passes(filter))
    .groupBy("device_id")
    .orderBy("device_id")
    .limit(maxDevices)
    .execute();
  const known = await findKnown(db, tenantId, page.map(({ deviceId }) => deviceId));
  return {
    devices: page.map((device) => ({ ...device, known: known.has(device.deviceId) })),
    next: page.length < maxDevices ? undefined : page.at(-1)!.deviceId,
  };
}

async function findKnown(
  db: Kysely<Database>,
  tenantId: TenantId,
  deviceIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const found = await db.selectFrom("iot_devices").select("device_id")
    .where("tenant_id", "=", tenantId)
    .where("device_id", "=", sql<string>`any(${textArray(deviceIds)}::text[])`)
    .execute();
  return new Set(found.map(({ device_id }) => device_id));
}

function millis(instant: Expression<Date>) {
  return sql<number>`floor(extract(epoch from ${instant}) * 1000)::float8`;
}
