import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";

/**
 * Runs queries without just-in-time compilation, which the planner's guess of
 * what many devices have would call for, and which takes longer than the query itself.
 */
export function scan<Result>(
  db: Kysely<Database>,
  read: (db: Kysely<Database>) => Promise<Result>,
): Promise<Result> {
  return db.transaction().setAccessMode("read only").execute(async (transaction) => {
    await sql`set local jit = off`.execute(transaction);
    return await read(transaction);
  });
}
