import { type Kysely, sql } from "kysely";
import { writeFailure } from "../connection/write_failure.ts";
import type { Database } from "../database.ts";

/**
 * Does `work`, and undoes it where the database refuses one of its rows for
 * what it holds: then `otherwise` says with what to go on, in the same transaction.
 */
export async function unlessRefused<Result, Other>(
  transaction: Kysely<Database>,
  work: () => Promise<Result>,
  otherwise: (error: unknown) => Promise<Other> | Other,
): Promise<Result | Other> {
  await sql`savepoint before_work`.execute(transaction);
  try {
    const result = await work();
    await sql`release savepoint before_work`.execute(transaction);
    return result;
  } catch (error) {
    if (writeFailure(error) !== "reject") throw error;
    await sql`rollback to savepoint before_work`.execute(transaction);
    return await otherwise(error);
  }
}
