import { type Kysely, sql } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import { readingRowAt } from "../../history/reading_row_at.ts";
import { unpackReadings } from "../../history/unpack_readings.ts";
import type { DeviceKey } from "../../readings/device_key.ts";
import { inTransaction } from "../connection/in_transaction.ts";
import { lockJob } from "../connection/on_one_replica.ts";
import type { Database } from "../database.ts";
import { pageDeviceKeys } from "../rows/page_device_keys.ts";
import { dayMicros, isoDay, partitionName } from "../partitions/days.ts";
import { attachPartition, promiseDays } from "../partitions/make_partition.ts";
import { listPartitions, type Partition } from "../partitions/list_partitions.ts";
import { lockPartitions } from "../partitions/partition_lock.ts";
import { readingColumns, readingRecords } from "../rows/reading_records.ts";
import { instant } from "../rows/instant.ts";
import { lockLate } from "./late_lock.ts";
import { lockBriefly } from "../schema/lock_briefly.ts";
import type { MigrationContext } from "../schema/migration_turn.ts";
import { distributeLike } from "../schema/distribute_like.ts";
import { dropUnfinished } from "./drop_unfinished.ts";
import { readChunks } from "./read_chunks.ts";

/** Devices whose chunks are read at once. */
const pageDevices = 100;
const pageRows = 5_000;

export interface ExpandOptions {
  /** When the day (UTC) begins, in Unix microseconds. */
  readonly dayMicros: number;
  readonly context: MigrationContext;
}

/** Why a day can't be rows again. */
export class NotExpandable extends Error {
  override readonly name = "NotExpandable";
}

/**
 * Makes rows again of a day that is packed, in a partition of `closed_readings`,
 * which stays there until it is to be packed again. All readers see each reading
 * once, throughout. Interrupted, it leaves the day packed.
 *
 * @returns the number of its readings.
 * @throws {NotExpandable} where there is nothing packed of it, or some of it is rows already.
 */
export async function expandDay(
  db: Kysely<Database>,
  { dayMicros: fromMicros, context }: ExpandOptions,
): Promise<number> {
  const untilMicros = fromMicros + dayMicros;
  const day = { name: partitionName(fromMicros, untilMicros), fromMicros, untilMicros };
  await beginExpanding(db, day);
  try {
    await writeDay(db, day, context.signal);
    let readings = 0;
    await lockBriefly(db, ["closed_readings"], context, async (transaction) => {
      // Who rolls up keeps what it has read of closed days locked, and may come to need partitions.
      await lockJob(transaction, "roll_up");
      await lockLate(transaction, "alone");
      await lockPartitions(transaction);
      readings = await takePlace(transaction, day);
    });
    return readings;
  } catch (error) {
    // Where that can't be either, the next one does it, or who drops the packed ones.
    await lockBriefly(db, ["iot_devices"], context, async (transaction) => {
      await lockPartitions(transaction);
      await dropUnfinished(transaction, day);
    }).catch(() => {});
    throw error;
  }
}

/** Makes a table for the day's rows. */
async function beginExpanding(db: Kysely<Database>, day: Partition): Promise<void> {
  await inTransaction(db, async (transaction) => {
    await lockPartitions(transaction);
    const closed = await listPartitions(transaction, "closed_readings");
    if (closed.some((other) => overlap(other, day))) {
      throw new NotExpandable("its readings are rows");
    }
    const packed = await transaction.selectFrom("sensor_history").select("readings")
      .where("first_at", ">=", instant(day.fromMicros))
      .where("first_at", "<", instant(day.untilMicros))
      .limit(1).executeTakeFirst();
    if (packed === undefined) throw new NotExpandable("no readings of it are packed");
    await dropUnfinished(transaction, day);
    await sql`
      create table ${sql.table(day.name)} (
        like sensor_readings including defaults including storage including comments
        including indexes
      )`.execute(transaction);
    await distributeLike(transaction, "sensor_readings", day.name);
    await promiseDays(transaction, day);
    await sql`
      alter table ${sql.table(day.name)} add constraint ${
      sql.id(`${day.name}_tenant_id_device_id_fkey`)
    }
        foreign key (tenant_id, device_id) references iot_devices (tenant_id, device_id)`
      .execute(transaction);
  });
}

function overlap(a: Partition, b: Partition): boolean {
  return a.fromMicros < b.untilMicros && b.fromMicros < a.untilMicros;
}

async function writeDay(
  db: Kysely<Database>,
  day: Partition,
  signal: AbortSignal | undefined,
): Promise<void> {
  let after: DeviceKey | undefined;
  do {
    signal?.throwIfAborted();
    const page = await pageDeviceKeys(db, after, pageDevices);
    for (const [tenantId, devices] of Map.groupBy(page, ({ tenantId }) => tenantId)) {
      await writeRows(db, day, tenantId, devices);
    }
    after = page.length < pageDevices ? undefined : page.at(-1);
  } while (after !== undefined);
}

async function writeRows(
  db: Kysely<Database>,
  { name, fromMicros, untilMicros }: Partition,
  tenantId: TenantId,
  devices: readonly DeviceKey[],
): Promise<void> {
  const stretches = devices.map(({ deviceId }) => ({
    deviceId,
    fromMicros,
    lastMicros: untilMicros - 1,
  }));
  for (const { deviceId, packed } of await readChunks(db, tenantId, stretches)) {
    const columns = unpackReadings(packed);
    for (let from = 0; from < columns.count; from += pageRows) {
      const count = Math.min(pageRows, columns.count - from);
      const rows = Array.from(
        { length: count },
        (_, at) => readingRowAt(columns, deviceId, from + at),
      );
      await sql`
        insert into ${sql.table(name)} (${
        sql.join(readingColumns.map((column) => sql.ref(column)))
      })
        select ${tenantId}::int, ${
        sql.join(readingColumns.slice(1).map((column) => sql.ref(column)))
      } from ${readingRecords(rows)}`.execute(db);
    }
  }
}

async function takePlace(transaction: Kysely<Database>, day: Partition): Promise<number> {
  const { rows: [rows] } = await sql<{ readonly count: number }>`
    select count(*)::float8 as count from ${sql.table(day.name)}`.execute(transaction);
  const { packed } = await transaction.with("gone", (from) =>
    from.deleteFrom("sensor_history")
      .where("first_at", ">=", instant(day.fromMicros))
      .where("first_at", "<", instant(day.untilMicros))
      .returning("readings"))
    .selectFrom("gone")
    .select(sql<number>`coalesce(sum(readings), 0)::float8`.as("packed"))
    .executeTakeFirstOrThrow();
  if (packed !== rows!.count) {
    throw new NotExpandable(
      `${packed} readings of it are packed by now, ${rows!.count} were when it began; try again`,
    );
  }
  await transaction.updateTable("compacted_days")
    .set({ expanded: true, readings: 0, row_bytes: 0, packed_bytes: 0 })
    .where("day", "=", sql<string>`${isoDay(day.fromMicros)}::date`)
    .execute();
  // A statement that was planned without the partition must not begin once it is there; nor may
  // who rolls up have looked for rows before, and for what is packed after.
  await sql`lock table only closed_readings in access exclusive mode`.execute(transaction);
  await attachPartition(transaction, "closed_readings", day);
  return packed;
}
