import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";
import { lockBriefly } from "../schema/lock_briefly.ts";
import type { MigrationContext } from "../schema/migration_turn.ts";
import { instant } from "../readings/instant.ts";
import { dayBound, isoDay } from "./days.ts";
import { listPartitions, type Partition } from "./list_partitions.ts";
import { attachPartition, makePartition } from "./make_partition.ts";
import { lockPartitions } from "./partition_lock.ts";

/** Holds what is before the days that are open, and is never closed. */
export const older = "sensor_readings_older";

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
  for (;;) {
    const oldest = await oldestOpen(db);
    if (oldest === undefined || oldest.untilMicros > untilMicros) return undefined;
    // Another replica may be at it: then the next one is.
    if (await promiseOlder(db, oldest, context) && await close(db, oldest, context)) return oldest;
  }
}

/** The partition of the oldest open days, unless those of today are in it. */
async function oldestOpen(db: Kysely<Database>): Promise<Partition | undefined> {
  const partitions = await listPartitions(db, "sensor_readings");
  // The newest one stays: there must be one to go on from.
  return partitions.slice(0, -1).find(({ name }) => name !== older);
}

async function isOldest(db: Kysely<Database>, { name }: Partition): Promise<boolean> {
  return (await oldestOpen(db))?.name === name;
}

/**
 * Has it known that the older ones end where the oldest open days do, so that
 * they need not be read while others wait.
 *
 * @returns false if others have closed these days.
 */
async function promiseOlder(
  db: Kysely<Database>,
  oldest: Partition,
  context: MigrationContext,
): Promise<boolean> {
  const name = `${older}_before_${isoDay(oldest.untilMicros).replaceAll("-", "")}`;
  if (!await hasOlder(db)) return true;
  if (!(await checksOfOlder(db)).includes(name)) {
    await lockBriefly(db, [older], context, async (transaction) => {
      await lockPartitions(transaction);
      // Once the older ones hold these days, it would refuse readings of theirs.
      if (!await isOldest(transaction, oldest)) return;
      if ((await checksOfOlder(transaction)).includes(name)) return;
      await sql`
        alter table ${sql.table(older)} add constraint ${sql.id(name)}
          check ("timestamp" < ${dayBound(oldest.untilMicros)}) not valid`.execute(transaction);
    });
  }
  try {
    await sql`alter table ${sql.table(older)} validate constraint ${sql.id(name)}`.execute(db);
    return true;
  } catch (error) {
    // It goes once they are closed.
    if (await isOldest(db, oldest)) throw error;
    return false;
  }
}

/** @returns false if others have closed these days. */
async function close(
  db: Kysely<Database>,
  oldest: Partition,
  context: MigrationContext,
): Promise<boolean> {
  let done = false;
  await lockBriefly(db, tables, context, async (transaction) => {
    await lockPartitions(transaction);
    const names = sql.join(tables.map((table) => sql`only ${sql.table(table)}`));
    await sql`lock table ${names} in access exclusive mode`.execute(transaction);
    done = await isOldest(transaction, oldest);
    if (done) await moveToClosed(transaction, oldest);
  });
  return done;
}

async function moveToClosed(transaction: Kysely<Database>, partition: Partition): Promise<void> {
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
  if (!await hasOlder(transaction)) {
    return await makePartition(transaction, "sensor_readings", widened, { promised: false });
  }
  await detach(transaction, older);
  await attachPartition(transaction, "sensor_readings", widened);
  for (const name of await checksOfOlder(transaction)) {
    await sql`alter table ${sql.table(older)} drop constraint ${sql.id(name)}`.execute(transaction);
  }
}

async function hasOlder(db: Kysely<Database>): Promise<boolean> {
  const partitions = await listPartitions(db, "sensor_readings");
  return partitions.some(({ name }) => name === older);
}

async function checksOfOlder(db: Kysely<Database>): Promise<readonly string[]> {
  const { rows } = await sql<{ readonly name: string }>`
    select conname::text as name from pg_constraint
    where conrelid = to_regclass(${older}) and contype = 'c'`.execute(db);
  return rows.map(({ name }) => name);
}

async function detach(transaction: Kysely<Database>, name: string): Promise<void> {
  await sql`alter table sensor_readings detach partition ${sql.table(name)}`.execute(transaction);
}

async function isEmpty(transaction: Kysely<Database>, name: string): Promise<boolean> {
  const { rows: [row] } = await sql<{ readonly empty: boolean }>`
    select not exists (select 1 from ${sql.table(name)}) as empty`.execute(transaction);
  return row!.empty;
}
