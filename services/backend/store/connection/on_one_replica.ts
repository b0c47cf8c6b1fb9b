import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";

/**
 * Does a job, unless another replica is at it: then undefined. The lock is the
 * session's, which `work` is given, and goes with it.
 */
export async function onOneReplica<Result>(
  db: Kysely<Database>,
  job: string,
  work: (db: Kysely<Database>) => Promise<Result>,
): Promise<Result | undefined> {
  const key = sql`hashtextextended(${`iot-backend ${job}`}, 0)`;
  return await db.connection().execute(async (session) => {
    const { rows: [row] } = await sql<{ readonly locked: boolean }>`
      select pg_try_advisory_lock(${key}) as locked`.execute(session);
    if (!row!.locked) return undefined;
    try {
      return await work(session);
    } finally {
      // A session that is lost, or given up, has lost the lock as well.
      await sql`select pg_advisory_unlock(${key})`.execute(session).catch(() => {});
    }
  });
}
