import { type Kysely, type RawBuilder, sql, type Transaction } from "kysely";
import type { Database } from "../database.ts";

/**
 * Does a job in a transaction, which is committed when `work` returns and
 * rolled back when it throws, unless another replica is at the same job: then
 * undefined. The lock is the transaction's, and ends with it: a session's own
 * would be lost behind a pooler. Both exclude each other, so that releases
 * whose lock was the session's may run beside this one.
 */
export async function onOneReplica<Result>(
  db: Kysely<Database>,
  job: string,
  work: (transaction: Transaction<Database>) => Promise<Result>,
): Promise<Result | undefined> {
  return await db.transaction().execute(async (transaction) => {
    const { rows: [row] } = await sql<{ readonly locked: boolean }>`
      select pg_try_advisory_xact_lock(${keyOf(job)}) as locked`.execute(transaction);
    return row!.locked ? await work(transaction) : undefined;
  });
}

/** Waits until no replica is at a job, and keeps it so until the transaction ends. */
export async function lockJob(transaction: Kysely<Database>, job: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(${keyOf(job)}) as locked`.execute(transaction);
}

function keyOf(job: string): RawBuilder<string> {
  return sql<string>`hashtextextended(${`iot-backend ${job}`}, 0)`;
}
