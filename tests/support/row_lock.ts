import { type Kysely, type RawBuilder, sql } from "kysely";
import { sqlState } from "../../services/backend/store/connection/write_failure.ts";
import type { Database } from "../../services/backend/store/database.ts";
import { waitUntil } from "./wait_until.ts";

const lockNotAvailable = "55P03";

/** Resolves once some session waits for what another one holds. */
export async function untilOneWaits(db: Kysely<Database>): Promise<void> {
  await waitUntil(async () => {
    const { rows } = await sql`
      select from pg_locks l join pg_stat_activity a using (pid)
      where not l.granted and a.datname = current_database()`.execute(db);
    return rows.length > 0;
  }, { what: "a session to wait for a lock" });
}

/** Resolves once some session waits for a lock on the table, or the work that may has ended. */
export async function untilItWaits(
  db: Kysely<Database>,
  table: string,
  work: Promise<unknown>,
): Promise<void> {
  let ended = false;
  const end = () => ended = true;
  work.then(end, end);
  await waitUntil(async () => {
    const { rows } = await sql`
      select from pg_locks where not granted and relation = to_regclass(${table})`.execute(db);
    return ended || rows.length > 0;
  }, { what: `a session to wait for ${table}` });
}

/** Whether a statement would have to wait for another session; it is undone. */
export async function wouldWait(
  db: Kysely<Database>,
  statement: RawBuilder<unknown>,
): Promise<boolean> {
  const undone = new Error("undone");
  try {
    await db.transaction().execute(async (transaction) => {
      await sql`set local lock_timeout = '100ms'`.execute(transaction);
      await statement.execute(transaction);
      throw undone;
    });
  } catch (error) {
    if (error !== undone && sqlState(error) !== lockNotAvailable) throw error;
    return error !== undone;
  }
  throw new Error("the transaction must not end well");
}
