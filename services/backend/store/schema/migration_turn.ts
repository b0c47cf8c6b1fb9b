import type { Logger } from "@logtape/logtape";
import { type Kysely, sql } from "kysely";
import { sleep } from "#shared/lifecycle/sleep.ts";
import type { Database } from "../database.ts";
import { readIndexProgress } from "./index_progress.ts";

/** What migrating runs in. */
export interface MigrationContext {
  readonly log: Logger;
  /** Ends a pause; without end if not given. A statement under way goes on in the server. */
  readonly signal?: AbortSignal;
  /** Another session, from which long work is looked at; unseen if not given. */
  readonly watch?: Kysely<Database>;
}

/**
 * Kysely's own, which a session may hold more than once. Who waits inside the
 * lock function, as Kysely does, has a snapshot, for which the concurrent build
 * of an index waits in turn: so it is tried for, again and again.
 */
const lock = sql`3853314791062309107`;
const pollMs = 500;
/** Tries from one word of the wait to the next. */
const triesPerWord = 60;

/**
 * Migrates, one session of all replicas at a time, unless what is wanted is
 * `done` by then. The lock is the session's, and so survives no pooler that
 * changes sessions between transactions: two that migrate at once through such
 * a one get in each other's way, and try again.
 */
export async function onMigrationTurn(
  db: Kysely<Database>,
  { log, signal }: MigrationContext,
  { done, work }: {
    done(session: Kysely<Database>): Promise<boolean>;
    work(session: Kysely<Database>): Promise<void>;
  },
): Promise<void> {
  await db.connection().execute(async (session) => {
    for (let tries = 0; !await tryLock(session); tries++) {
      if (await done(session)) return;
      if (tries % triesPerWord === 0) {
        const building = await readIndexProgress(session);
        log.info("Waiting for another that migrates the database", { building });
      }
      await sleep(pollMs, signal);
      signal?.throwIfAborted();
    }
    try {
      await work(session);
    } finally {
      // A session that is lost has lost the lock as well.
      await sql`select pg_advisory_unlock(${lock})`.execute(session).catch(() => {});
    }
  });
}

async function tryLock(session: Kysely<Database>): Promise<boolean> {
  const { rows: [row] } = await sql<{ readonly locked: boolean }>`
    select pg_try_advisory_lock(${lock}) as locked`.execute(session);
  return row!.locked;
}
