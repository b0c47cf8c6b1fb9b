import { type Kysely, type RawBuilder, sql } from "kysely";
import { lockJob } from "../connection/on_one_replica.ts";
import type { Database } from "../database.ts";
import { deleteStaged } from "../history/compaction.ts";
import { dayMicros } from "../partitions/days.ts";
import { listPartitions, type Partition } from "../partitions/list_partitions.ts";
import { lockPartitions } from "../partitions/partition_lock.ts";
import type { Span } from "../rollups/plan_buckets.ts";
import { instant } from "../rows/instant.ts";
import { dropUnfinished } from "../history/drop_unfinished.ts";
import { lockLate } from "../history/late_lock.ts";
import { lockBriefly } from "../schema/lock_briefly.ts";
import type { MigrationContext } from "../schema/migration_turn.ts";
import { countDays, type DayCounts, isSame, sumOf } from "./count_days.ts";
import type { KeptPart } from "./kept_parts.ts";
import { noteDropped } from "./note_dropped.ts";
import { isRolledUp } from "./is_rolled_up.ts";

/**
 * What came of dropping a partition:
 * - `dropped`, with how many readings it had, or buckets;
 * - `changed`: it has not what was archived of it, and is still there;
 * - `not rolled`: rollups do not tell yet all that it has, and it is still there;
 * - `gone`: another one was faster.
 */
export type DropOutcome =
  | { readonly is: "dropped"; readonly count: number }
  | { readonly is: "changed" | "not rolled" | "gone" };

/**
 * Drops a partition, with all that tells of it, in one transaction that holds up
 * others for a moment only: it is counted before, while it can be read.
 *
 * @param archived What is to be in it; whatever there is, unless given.
 */
export async function dropPart(
  db: Kysely<Database>,
  part: KeptPart,
  { archived, ...context }: MigrationContext & { readonly archived: DayCounts | undefined },
): Promise<DropOutcome> {
  const { table, partition } = part;
  let outcome: DropOutcome = { is: "gone" };
  // A foreign key is dropped on both its sides.
  const tables = [table, partition.name, "iot_devices"];
  await lockBriefly(db, tables, context, async (transaction) => {
    outcome = { is: "gone" };
    if (!await isThere(transaction, part)) return;
    await sql`lock table ${sql.table(partition.name)} in share mode`.execute(transaction);
    const counts = await countDays(transaction, part);
    if (archived !== undefined && !isSame(archived, counts)) {
      outcome = { is: "changed" };
      return;
    }
    // Who rolls up may have seen what is there, and write what is left.
    await lockJob(transaction, "roll_up");
    if (part.kind === "rows" || part.kind === "history") {
      await lockLate(transaction, "alone");
      if (!await isRolledUp(transaction, partition)) {
        outcome = { is: "not rolled" };
        return;
      }
    }
    await lockPartitions(transaction);
    if (!await isThere(transaction, part)) return;
    await sql`drop table ${sql.table(partition.name)}`.execute(transaction);
    await forget(transaction, part, counts);
    outcome = { is: "dropped", count: sumOf(counts) };
  });
  return outcome;
}

async function isThere(
  db: Kysely<Database>,
  { table, partition: { name } }: KeptPart,
): Promise<boolean> {
  return (await listPartitions(db, table)).some((partition) => partition.name === name);
}

const rollupFloors = {
  minute: "minutes_dropped_until",
  hour: "hours_dropped_until",
  day: "days_dropped_until",
} as const;

/** Has nothing else tell of what is dropped, and notes that it is. */
async function forget(
  transaction: Kysely<Database>,
  { kind, partition }: KeptPart,
  counts: DayCounts,
): Promise<void> {
  if (kind === "rows" || kind === "history") {
    await noteDropped(transaction, [...counts.keys()].map(spanOf));
    await deleteDays(transaction, partition, { expanded: kind === "rows" });
    if (kind === "rows") await forgetCompaction(transaction, partition);
    else await dropUnfinished(transaction, partition);
    return;
  }
  const floor = rollupFloors[kind];
  await transaction.updateTable("reading_progress")
    .set({ [floor]: sql<Date>`greatest(${sql.ref(floor)}, ${instant(partition.untilMicros)})` })
    .execute();
}

function spanOf(day: string): Span {
  const fromMicros = Date.parse(day) * 1_000;
  return { fromMicros, untilMicros: fromMicros + dayMicros };
}

/** A day of which the rows are dropped that a person wanted is as gone as one of which history is. */
async function deleteDays(
  transaction: Kysely<Database>,
  { fromMicros, untilMicros }: Partition,
  { expanded }: { readonly expanded: boolean },
): Promise<void> {
  await transaction.deleteFrom("compacted_days")
    .where("day", ">=", dateOf(instant(fromMicros)))
    .where("day", "<", dateOf(instant(untilMicros)))
    .where("expanded", "=", expanded)
    .execute();
}

function dateOf(instant: RawBuilder<Date>): RawBuilder<string> {
  return sql<string>`(${instant} at time zone 'UTC')::date`;
}

/** What is packed of it, to take its place. */
async function forgetCompaction(
  transaction: Kysely<Database>,
  partition: Partition,
): Promise<void> {
  await deleteStaged(transaction, partition);
  await transaction.deleteFrom("compactions").where("partition", "=", partition.name).execute();
}
