import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";
import { lockBriefly } from "../schema/lock_briefly.ts";
import type { MigrationContext } from "../schema/migration_turn.ts";
import { instant } from "../readings/instant.ts";
import { dayBound, isoDay } from "./days.ts";
import { listPartitions, type Partition } from "./list_partitions.ts";
import { attachPartition, makePartition } from "./make_partition.ts";
import { lockPartitions } from "./partition_lock.ts";

/** Holds what is before the days that are open. */
const older = "sensor_readings_older";

/** As those come to them who write most. */
const tables = ["sensor_readings", "iot_devices"];

/**
 * Closes the oldest open days if they end at `untilMicros` or before: their
 * partition becomes one of `closed_readings`, or goes where it is empty. From
 * then on, readings of them are late. All who write wait for a moment.
 *
 * @returns what was closed; undefined if no day is old enough.
 */
export async function closeOldest(
  db: Kysely<Database>,
  untilMicros: number,
  context: MigrationContext,
): Promise<Partition | undefined> {
  const oldest = await oldestOpen(db);
  if (oldest === undefined || oldest.untilMicros > untilMicros) return undefined;
  await promiseOlder(db, oldest.untilMicros, context);
  let closed: Partition | undefined;
  await lockBriefly(db, tables, context, async (transaction) => {
    await lockPartitions(transaction);
    const names = sql.join(tables.map((table) => sql.table(table)));
    await sql`lock table ${names} in access exclusive mode`.execute(transaction);
    const found = await oldestOpen(transaction);
    // Another replica may have been at it.
    closed = found?.name === oldest.name ? oldest : undefined;
    if (closed !== undefined) await close(transaction, closed);
  });
  return closed;
}

/** The partition of the oldest open days, unless those of today are in it. */
async function oldestOpen(db: Kysely<Database>): Promise<Partition | undefined> {
  const partitions = await listPartitions(db, "sensor_readings");
  // The newest one stays: there must be one to go on from.
  return partitions.slice(0, -1).find(({ name }) => name !== older);
}

/** Has it known that the older ones end there, so that they need not be read while others wait. */
async function promiseOlder(
  db: Kysely<Database>,
  untilMicros: number,
  context: MigrationContext,
): Promise<void> {
  const name = promiseOf(untilMicros);
  const { rows: [found] } = await sql<{ readonly promised: boolean }>`
    select exists (
      select from pg_constraint where conrelid = c.oid and conname = ${name}
    ) as promised
    from pg_class c where c.oid = to_regclass(${older})`.execute(db);
  if (found === undefined) return;
  if (!found.promised) {
    await lockBriefly(db, [older], context, async (transaction) => {
      await sql`
        alter table ${sql.table(older)} add constraint ${sql.id(name)}
          check ("timestamp" < ${dayBound(untilMicros)}) not valid`.execute(transaction);
    });
  }
  await sql`alter table ${sql.table(older)} validate constraint ${sql.id(name)}`.execute(db);
}

function promiseOf(untilMicros: number): string {
  return `${older}_before_${isoDay(untilMicros).replaceAll("-", "")}`;
}

async function close(transaction: Kysely<Database>, partition: Partition): Promise<void> {
  const { name, untilMicros } = partition;
  await detach(transaction, name);
  if (await isEmpty(transaction, name)) {
    await sql`drop table ${sql.table(name)}`.execute(transaction);
  } else {
    await attachPartition(transaction, "closed_readings", partition);
  }
  await widenOlder(transaction, untilMicros);
  await transaction.updateTable("reading_progress")
    .set({ open_from: instant(untilMicros) }).execute();
}

async function widenOlder(transaction: Kysely<Database>, untilMicros: number): Promise<void> {
  const widened = { name: older, fromMicros: -Infinity, untilMicros };
  const partitions = await listPartitions(transaction, "sensor_readings");
  if (!partitions.some(({ name }) => name === older)) {
    return await makePartition(transaction, "sensor_readings", widened, { promised: false });
  }
  await detach(transaction, older);
  await attachPartition(transaction, "sensor_readings", widened);
  const { rows } = await sql<{ readonly name: string }>`
    select conname::text as name from pg_constraint
    where conrelid = to_regclass(${older}) and contype = 'c'`.execute(transaction);
  for (const { name } of rows) {
    await sql`alter table ${sql.table(older)} drop constraint ${sql.id(name)}`.execute(transaction);
  }
}

async function detach(transaction: Kysely<Database>, name: string): Promise<void> {
  await sql`alter table sensor_readings detach partition ${sql.table(name)}`.execute(transaction);
}

async function isEmpty(transaction: Kysely<Database>, name: string): Promise<boolean> {
  const { rows: [row] } = await sql<{ readonly empty: boolean }>`
    select not exists (select from ${sql.table(name)} limit 1) as empty`.execute(transaction);
  return row!.empty;
}
