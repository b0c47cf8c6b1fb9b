import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";
import { lockLimit } from "../schema/lock_briefly.ts";
import type { PartitionedTable } from "./list_partitions.ts";

/** Longest wait for those who read: all who come to read wait behind it. */
const readersMs = 500;
/** Longest wait for any lock after that. */
const lockMs = 5_000;

/**
 * In a transaction that makes a partition of a table, and moves there what others
 * find elsewhere: until it ends, no statement goes on that was planned without the
 * partition, which would find that in neither place.
 */
export async function outlastReaders(
  transaction: Kysely<Database>,
  table: PartitionedTable,
): Promise<void> {
  await lockLimit(readersMs).execute(transaction);
  await sql`lock table only ${sql.table(table)} in access exclusive mode`.execute(transaction);
  await lockLimit(lockMs).execute(transaction);
}
