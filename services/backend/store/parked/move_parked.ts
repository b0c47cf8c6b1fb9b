import { type ExpressionBuilder, type Kysely, sql } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import { textArray } from "../connection/binary_array.ts";
import type { Database } from "../database.ts";
import { readingColumns } from "../rows/reading_records.ts";
import { openFrom } from "../partitions/open_from.ts";
import { placedColumns, rowOf } from "../rows/placed_reading.ts";
import type { ReadingKey } from "../rows/reading_key.ts";
import { storeLate } from "../readings/store_readings.ts";
import { markedColumns, markHours } from "../readings/mark_hours.ts";
import { keyTuple } from "../rows/tenant_keys.ts";

/** Readings that have left where they were parked for where they belong. */
export interface MovedReadings {
  readonly moved: number;
  /** Those among them that were stored before. */
  readonly duplicates: number;
  /** Whose they are. */
  readonly deviceIds: readonly string[];
}

export const nothingMoved: MovedReadings = { moved: 0, duplicates: 0, deviceIds: [] };

/** Some of the parked readings that are due: those of the devices, up to the last one. */
export interface DueReadings {
  readonly tenantId: TenantId;
  readonly deviceIds: readonly string[];
  readonly count: number;
  /** The last of them, in the order of the keys. */
  readonly last: ReadingKey;
}

/** Those of the devices that are known by now and have parked readings which are due. */
export async function devicesWithDue(
  db: Kysely<Database>,
  tenantId: TenantId,
  deviceIds: readonly string[],
): Promise<readonly string[]> {
  const found = await registered(db, tenantId, deviceIds)
    .crossJoinLateral((from) => dueOf(from, 1).as("p"))
    .select("d.device_id")
    .execute();
  return found.map(({ device_id }) => device_id);
}

/**
 * Up to `limit` that are parked of devices which are known by now, but for those
 * that the database refuses: all of as many devices as that is, or the first of
 * one. Under the lock (`lockParked`).
 */
export async function findDue(
  db: Kysely<Database>,
  tenantId: TenantId,
  deviceIds: readonly string[],
  limit: number,
): Promise<DueReadings | undefined> {
  const devices = await registered(db, tenantId, deviceIds)
    .crossJoinLateral((from) =>
      from.selectFrom(dueOf(from, limit).as("due"))
        .select(({ fn }) => [
          sql<number>`${fn.countAll()}::int`.as("count"),
          sql<number>`(extract(epoch from ${fn.max("timestamp")}) * 1000000)::float8`.as("micros"),
          sql<string>`((array_agg(tie_break order by "timestamp" desc, tie_break desc))[1])::text`
            .as("tieBreak"),
        ])
        .as("p")
    )
    .select(["d.device_id as deviceId", "p.count", "p.micros", "p.tieBreak"])
    .where("p.count", ">", 0)
    .orderBy("d.device_id")
    .execute();
  let count = 0;
  const fitting = devices.filter((device, at) => {
    count += device.count;
    return at === 0 || count <= limit;
  });
  const last = fitting.at(-1);
  if (last === undefined) return undefined;
  return {
    tenantId,
    deviceIds: fitting.map(({ deviceId }) => deviceId),
    count: fitting.reduce((sum, { count }) => sum + count, 0),
    last,
  };
}

function registered(db: Kysely<Database>, tenantId: TenantId, deviceIds: readonly string[]) {
  return db.selectFrom("iot_devices as d")
    .where("d.tenant_id", "=", tenantId)
    .where("d.device_id", "=", sql<string>`any(${textArray(deviceIds)}::text[])`);
}

/**
 * What is due of the device `d`, the first `limit`. Device by device: of many at
 * once, the planner would go through all that is parked rather than sort theirs.
 */
function dueOf(
  from: ExpressionBuilder<Database & { readonly d: Database["iot_devices"] }, "d">,
  limit: number,
) {
  return from.selectFrom("parked_readings")
    .select(readingColumns)
    .whereRef("parked_readings.tenant_id", "=", "d.tenant_id")
    .whereRef("parked_readings.device_id", "=", "d.device_id")
    .where("refused", "is", null)
    .orderBy("timestamp").orderBy("tie_break")
    .limit(limit);
}

/**
 * Moves what is due, under the lock (`lockParked`). What is parked comes first
 * here as it does for a batch of readings, so that neither waits for the other in
 * a circle.
 */
export async function moveParked(
  transaction: Kysely<Database>,
  due: DueReadings,
): Promise<MovedReadings> {
  const moved = await moveOpen(transaction, due);
  // What was parked meanwhile may make up for late ones: these are still due then.
  return moved.moved >= due.count ? moved : sum(moved, await moveLate(transaction, due));
}

/** Those of days that are open, in one statement, so that what is deleted is what is stored. */
async function moveOpen(
  transaction: Kysely<Database>,
  due: DueReadings,
): Promise<MovedReadings> {
  const rows = await transaction
    .with(
      "gone",
      (from) => deleteDue(from, due).where("timestamp", ">=", openFrom).returning(readingColumns),
    )
    .with("written", (from) =>
      from.insertInto("sensor_readings")
        .columns(readingColumns)
        .expression(
          from.selectFrom("gone").select(readingColumns)
            .orderBy("device_id").orderBy("timestamp").orderBy("tie_break"),
        )
        .onConflict((conflict) => conflict.doNothing())
        .returning(markedColumns))
    .with("marked", markHours)
    .selectFrom("gone")
    .select((is) => [
      "device_id as deviceId",
      sql<number>`${is.fn.countAll()}::int`.as("moved"),
      is.selectFrom("written").select(sql<number>`count(*)::int`.as("count")).as("stored"),
    ])
    .groupBy("device_id")
    .execute();
  const moved = rows.reduce((sum, { moved }) => sum + moved, 0);
  return {
    moved,
    duplicates: moved - (rows[0]?.stored ?? 0),
    deviceIds: rows.map(({ deviceId }) => deviceId),
  };
}

/** Those of closed days, which may have them in another form. */
async function moveLate(
  transaction: Kysely<Database>,
  due: DueReadings,
): Promise<MovedReadings> {
  const gone = await transaction
    .with(
      "gone",
      (from) => deleteDue(from, due).where("timestamp", "<", openFrom).returning(readingColumns),
    )
    .selectFrom("gone").select(placedColumns)
    .execute();
  const stored = await storeLate(transaction, due.tenantId, gone.map(rowOf));
  return {
    moved: gone.length,
    duplicates: gone.length - stored,
    deviceIds: [...new Set(gone.map(({ device_id }) => device_id))],
  };
}

function deleteDue(
  from: Pick<Kysely<Database>, "deleteFrom">,
  { tenantId, deviceIds, count, last }: DueReadings,
) {
  return from.deleteFrom("parked_readings")
    .where("tenant_id", "=", tenantId)
    .where("device_id", "=", sql<string>`any(${textArray(deviceIds)}::text[])`)
    .where("refused", "is", null)
    // One that stands alone must not be joined by what was parked before it since.
    .where((is) =>
      is(
        is.refTuple("device_id", "timestamp", "tie_break"),
        count === 1 ? "=" : "<=",
        keyTuple(last),
      )
    );
}

function sum(a: MovedReadings, b: MovedReadings): MovedReadings {
  return {
    moved: a.moved + b.moved,
    duplicates: a.duplicates + b.duplicates,
    deviceIds: [...new Set([...a.deviceIds, ...b.deviceIds])],
  };
}
