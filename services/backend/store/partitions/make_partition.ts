import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";
import { distributeLike } from "../schema/distribute_like.ts";
import { dayBound } from "./days.ts";
import type { Partition } from "./list_partitions.ts";

/**
 * Makes a partition of a table beside those who read and write it: attaching one
 * waits for nobody but those who write devices, where the table refers to these.
 * In a transaction, under `lockPartitions`.
 *
 * @param options.promised Whether the days are promised by a check, which is made for each row.
 */
export async function makePartition(
  transaction: Kysely<Database>,
  table: string,
  partition: Partition,
  { promised = true }: { readonly promised?: boolean } = {},
): Promise<void> {
  const { name } = partition;
  await sql`
    create table ${sql.table(name)} (like ${
    sql.table(table)
  } including defaults including comments)`
    .execute(transaction);
  await distributeLike(transaction, table, name);
  if (promised) await promiseDays(transaction, partition);
  await attachPartition(transaction, table, partition);
}

/** Has the database know which days a table holds, so that it need not be read to be attached. */
export async function promiseDays(
  transaction: Kysely<Database>,
  { name, fromMicros, untilMicros }: Partition,
): Promise<void> {
  const until = sql`"timestamp" < ${dayBound(untilMicros)}`;
  const all = fromMicros === -Infinity
    ? until
    : sql`"timestamp" >= ${dayBound(fromMicros)} and ${until}`;
  await sql`alter table ${sql.table(name)} add constraint ${sql.id(`${name}_days`)} check (${all})`
    .execute(transaction);
}

/** Attaches a table all of whose rows are of the partition's days. */
export async function attachPartition(
  transaction: Kysely<Database>,
  table: string,
  { name, fromMicros, untilMicros }: Partition,
): Promise<void> {
  await sql`
    alter table ${sql.table(table)} attach partition ${sql.table(name)}
      for values from (${dayBound(fromMicros)}) to (${dayBound(untilMicros)})`.execute(transaction);
}
