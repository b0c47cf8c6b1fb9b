import { type Kysely, sql } from "kysely";
import { type MeasuredColumns, measures } from "#shared/telemetry/measures.ts";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import type { ReadingRow } from "../../readings/reading_row.ts";
import { float8Array, int8Array, textArray, timestamptzArray } from "../connection/binary_array.ts";
import { inTransaction } from "../connection/in_transaction.ts";
import { sqlState } from "../connection/write_failure.ts";
import type { Database } from "../database.ts";
import type { KnownDevices } from "./known_devices.ts";
import { measureColumnNames, measureColumns } from "./measure_columns.ts";

export interface WrittenReadings {
  /** Now in `sensor_readings`, and not before. */
  readonly stored: number;
  /** Now in `parked_readings`, and not before: their devices are not yet known. */
  readonly parked: number;
}

const foreignKeyViolation = "23503";

/**
 * Writes a batch so that all of it is committed or none: readings of registered
 * devices are stored, the others parked. What is there already is passed over.
 *
 * @param known Where every device of the batch is in it, none is looked up,
 *   which spares an eighth of the database's work; and it learns from each write.
 * @param strangers Gets the ids of the devices whose readings were parked.
 */
export async function writeReadings(
  db: Kysely<Database>,
  tenantId: TenantId,
  rows: readonly ReadingRow[],
  known?: KnownDevices,
  strangers?: Set<string>,
): Promise<WrittenReadings> {
  if (known !== undefined && rows.every(({ deviceId }) => known.has(deviceId))) {
    try {
      return { stored: await insert(db, "sensor_readings", tenantId, rows), parked: 0 };
    } catch (error) {
      if (sqlState(error) !== foreignKeyViolation) throw error;
      // One was deleted meanwhile, which only a person does.
      for (const { deviceId } of rows) known.delete(deviceId);
    }
  }
  const registered = await registeredAmong(db, tenantId, rows);
  for (const id of registered) known?.add(id);
  const storable = rows.filter(({ deviceId }) => registered.has(deviceId));
  const others = rows.filter(({ deviceId }) => !registered.has(deviceId));
  for (const { deviceId } of others) strangers?.add(deviceId);
  const store = (db: Kysely<Database>) => insert(db, "sensor_readings", tenantId, storable);
  if (others.length === 0) return { stored: await store(db), parked: 0 };
  return await inTransaction(db, async (transaction) => ({
    parked: await insert(transaction, "parked_readings", tenantId, others),
    stored: await store(transaction),
  }));
}

/** Those of the rows' devices that are registered. */
async function registeredAmong(
  db: Kysely<Database>,
  tenantId: TenantId,
  rows: readonly ReadingRow[],
): Promise<ReadonlySet<string>> {
  const ids = [...new Set(rows.map(({ deviceId }) => deviceId))];
  if (ids.length === 0) return new Set();
  const found = await db.selectFrom("iot_devices").select("device_id")
    .where("tenant_id", "=", tenantId)
    .where("device_id", "=", sql<string>`any(${textArray(ids)}::text[])`)
    .execute();
  return new Set(found.map(({ device_id }) => device_id));
}

/**
 * Inserts rows, and returns how many were not there. In the order of the bytes
 * of their keys: any order keeps writers of the same rows from deadlocking, and
 * that is the cheapest.
 */
async function insert(
  db: Kysely<Database>,
  table: "sensor_readings" | "parked_readings",
  tenantId: TenantId,
  rows: readonly ReadingRow[],
): Promise<number> {
  if (rows.length === 0) return 0;
  const { count } = await db.with("written", (from) =>
    from.insertInto(table)
      .columns(["tenant_id", "device_id", "timestamp", "tie_break", ...measureColumnNames])
      .expression(
        from.selectFrom(recordsOf(rows))
          .select([
            sql<number>`${tenantId}::int`.as("tenant_id"),
            "device_id",
            "timestamp",
            "tie_break",
            ...measureColumnNames,
          ])
          .orderBy(sql`device_id collate "C"`).orderBy("timestamp").orderBy("tie_break"),
      )
      .onConflict((conflict) => conflict.doNothing())
      // Counted by the statement: Citus reports the rows that it was given.
      .returning("tenant_id"))
    .selectFrom("written")
    .select(sql<number>`count(*)::int`.as("count"))
    .executeTakeFirstOrThrow();
  return count;
}

interface ReadingRecord extends MeasuredColumns {
  readonly device_id: string;
  readonly timestamp: Date;
  readonly tie_break: string;
}

/** The rows as a table of a statement. */
function recordsOf(rows: readonly ReadingRow[]) {
  return sql<ReadingRecord>`unnest(
    ${textArray(rows.map(({ deviceId }) => deviceId))}::text[],
    ${timestamptzArray(rows.map(({ micros }) => micros))}::timestamptz[],
    ${int8Array(rows.map(({ tieBreak }) => tieBreak))}::int8[],
    ${
    sql.join(measures.map((_, at) =>
      sql`${float8Array(rows.map(({ values }) => values[at]))}::float8[]`
    ))
  }
  )`.as<"record">(sql`record(device_id, "timestamp", tie_break, ${measureColumns})`);
}
