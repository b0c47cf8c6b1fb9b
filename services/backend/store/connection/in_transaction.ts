import type { Kysely } from "kysely";
import type { Database } from "../database.ts";

/** Does `work` in a transaction: the caller's, where `db` is one already. */
export async function inTransaction<Result>(
  db: Kysely<Database>,
  work: (transaction: Kysely<Database>) => Promise<Result>,
): Promise<Result> {
  return db.isTransaction ? await work(db) : await db.transaction().execute(work);
}
