import { type Kysely, type RawBuilder, sql } from "kysely";
import { backoffMs } from "#shared/lifecycle/backoff.ts";
import { sleep } from "#shared/lifecycle/sleep.ts";
import { sqlState } from "../connection/write_failure.ts";
import type { Database } from "../database.ts";
import type { MigrationContext } from "./migration_turn.ts";

/** A lock that was not to be had in time, or at the cost of a deadlock only. */
const inUse = /^(55P03|40P01)$/;

/**
 * Does `work` in a transaction that locks `tables` against others. While that
 * waits for one who uses them, all who come later wait behind it: so it gives
 * up after half a second, and tries again, a little more patient each time,
 * with 5 seconds at most; and not at all while a transaction has used them for
 * long, say a dump.
 */
export async function lockBriefly(
  session: Kysely<Database>,
  tables: readonly string[],
  context: MigrationContext,
  work: (transaction: Kysely<Database>) => Promise<void>,
): Promise<void> {
  await untilLocked(session, tables, context, async (limitMs) => {
    await session.transaction().execute(async (transaction) => {
      await lockLimit(limitMs).execute(transaction);
      await work(transaction);
    });
  });
}

/** Limits each wait for a lock, for the rest of a transaction. */
export function lockLimit(limitMs: number): RawBuilder<unknown> {
  return sql`set local lock_timeout = ${sql.lit(`${limitMs}ms`)}`;
}

/** As `lockBriefly`, for work that begins its own transaction, and limits its locks in it. */
export async function untilLocked(
  session: Kysely<Database>,
  tables: readonly string[],
  { log, signal }: MigrationContext,
  work: (limitMs: number) => Promise<void>,
): Promise<void> {
  for (let attempt = 1;; attempt++) {
    // More slowly than a transaction that stays gets older: soon it is waited for from afar.
    const user = await longUser(session, tables, Math.min(attempt + 1, 60));
    if (user === undefined) {
      try {
        return await work(Math.min(500 * attempt, 5_000));
      } catch (error) {
        if (!inUse.test(sqlState(error) ?? "")) throw error;
      }
    }
    const retryMs = backoffMs(attempt);
    log.warning("Cannot lock tables yet: they are in use", { tables, ...user, retryMs });
    await sleep(retryMs, signal);
    signal?.throwIfAborted();
  }
}

interface TableUser {
  readonly pid: number;
  readonly application: string;
  readonly seconds: number;
}

/** The transaction that has used the tables for longest, if that is for more than `seconds`. */
async function longUser(
  session: Kysely<Database>,
  tables: readonly string[],
  seconds: number,
): Promise<TableUser | undefined> {
  // A vacuum is no client, and makes way by itself.
  const { rows: [user] } = await sql<TableUser>`
    select pid, application_name as application,
      floor(extract(epoch from clock_timestamp() - xact_start))::int as seconds
    from pg_stat_activity
    where backend_type = 'client backend' and pid <> pg_backend_pid()
      and xact_start < clock_timestamp() - ${seconds}::int * interval '1 second'
      and pid in (
        select pid from pg_locks
        where granted
          and database = (select oid from pg_database where datname = current_database())
          and relation in (
            select to_regclass(name)
            from json_array_elements_text(${JSON.stringify(tables)}) as wanted(name)
          )
      )
    order by xact_start limit 1`.execute(session);
  return user;
}
