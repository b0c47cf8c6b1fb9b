import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";

/**
 * The transactions that are storing readings, by names that are never used
 * again. A statement has its lock on the table before it has its snapshot: once
 * all that were under way after something was committed have ended, every one
 * since has seen that. (By ids of transactions it could not be told: a statement
 * gets its snapshot first, and its transaction an id when it comes to write.)
 */
export async function writersUnderWay(db: Kysely<Database>): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ readonly writer: string }>`
    select distinct virtualtransaction as writer from pg_locks
    where locktype = 'relation' and granted and mode = 'RowExclusiveLock'
      and relation = 'sensor_readings'::regclass
      and database = (select oid from pg_database where datname = current_database())
      and pid <> pg_backend_pid()`.execute(db);
  return new Set(rows.map(({ writer }) => writer));
}
