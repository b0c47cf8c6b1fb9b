import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";
import { listPartitions, type Partition } from "../partitions/list_partitions.ts";
import { lockPartitions } from "../partitions/partition_lock.ts";
import { instant } from "../rows/instant.ts";
import { lockBriefly } from "../schema/lock_briefly.ts";
import type { MigrationContext } from "../schema/migration_turn.ts";
import { addToDay, type CompactedDay } from "./compacted_days.ts";
import { deleteStaged, findCompaction, restartCompaction } from "./compaction.ts";
import { chunkColumns } from "./insert_chunks.ts";
import { makeMonths } from "./make_months.ts";

/**
 * Has what is staged of a closed partition take its place, in one transaction:
 * whoever reads sees each reading in one of both. It is counted before; where
 * the counts differ, as after a change by hand, packing begins anew.
 *
 * @returns undefined where it is not to be: the counts differ, or another replica has done it.
 */
export async function publishStaged(
  db: Kysely<Database>,
  partition: Partition,
  context: MigrationContext,
): Promise<readonly CompactedDay[] | undefined> {
  const { staged, closed } = await countBoth(db, partition);
  if (staged !== closed) {
    context.log.warning("What is packed of a day is not what the day has; it is packed again", {
      partition: partition.name,
      packed: staged,
      rows: closed,
    });
    await db.transaction().execute(async (transaction) => {
      // Another replica may be about to publish what goes.
      await lockPartitions(transaction);
      await restartCompaction(transaction, partition);
    });
    return undefined;
  }
  const days = await daysOf(db, partition);
  await makeMonths(db, days.map(({ day }) => Date.parse(day) * 1_000));
  let published: readonly CompactedDay[] | undefined;
  await lockBriefly(db, ["closed_readings"], context, async (transaction) => {
    published = undefined;
    await lockPartitions(transaction);
    const there = await listPartitions(transaction, "closed_readings");
    const found = there.some(({ name }) => name === partition.name) &&
      await findCompaction(transaction, partition);
    if (!found || found.stretchMicros < partition.untilMicros) return;
    await publish(transaction, partition);
    for (const day of days) await addToDay(transaction, day);
    published = days;
  });
  return published;
}

/** Of one moment, since another replica may publish it. */
async function countBoth(
  db: Kysely<Database>,
  { fromMicros, untilMicros }: Partition,
): Promise<{ readonly staged: number; readonly closed: number }> {
  const staged = db.selectFrom("staged_history")
    .select(sql<number>`coalesce(sum(readings), 0)::float8`.as("staged"))
    .where("first_at", ">=", instant(fromMicros))
    .where("first_at", "<", instant(untilMicros));
  const closed = db.selectFrom("closed_readings")
    .select(sql<number>`count(*)::float8`.as("closed"))
    .where("timestamp", ">=", instant(fromMicros))
    .where("timestamp", "<", instant(untilMicros));
  return await db.selectFrom([staged.as("packed"), closed.as("rows")])
    .select(["staged", "closed"])
    .executeTakeFirstOrThrow();
}

/** The bytes of the partition's rows are shared out by the readings of each day. */
async function daysOf(
  db: Kysely<Database>,
  { name, fromMicros, untilMicros }: Partition,
): Promise<readonly CompactedDay[]> {
  const days = await db.selectFrom("staged_history")
    .select([
      sql<string>`(first_at at time zone 'UTC')::date::text`.as("day"),
      sql<number>`sum(readings)::float8`.as("readings"),
      sql<number>`sum(length(packed))::float8`.as("packedBytes"),
    ])
    .where("first_at", ">=", instant(fromMicros))
    .where("first_at", "<", instant(untilMicros))
    .groupBy(sql`(first_at at time zone 'UTC')::date`)
    .orderBy("day")
    .execute();
  const { rows: [size] } = await sql<{ readonly bytes: number }>`
    select pg_total_relation_size(to_regclass(${name}))::float8 as bytes`.execute(db);
  const all = days.reduce((sum, { readings }) => sum + readings, 0);
  return days.map((day) => ({ ...day, rowBytes: Math.round(size!.bytes * day.readings / all) }));
}

async function publish(transaction: Kysely<Database>, partition: Partition): Promise<void> {
  await transaction.insertInto("sensor_history")
    .columns(chunkColumns)
    .expression((from) =>
      from.selectFrom("staged_history").select(chunkColumns)
        .where("first_at", ">=", instant(partition.fromMicros))
        .where("first_at", "<", instant(partition.untilMicros))
    )
    .execute();
  await deleteStaged(transaction, partition);
  await transaction.deleteFrom("compactions").where("partition", "=", partition.name).execute();
  await sql`drop table ${sql.table(partition.name)}`.execute(transaction);
}
