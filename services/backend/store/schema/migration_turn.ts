import type { Logger } from "@logtape/logtape";
import { type Kysely, sql, type Transaction } from "kysely";
import { sleep } from "#shared/lifecycle/sleep.ts";
import type { Database } from "../database.ts";
import { readIndexProgress } from "./index_progress.ts";

/** What migrating runs in. */
export interface MigrationContext {
  readonly log: Logger;
  /** Ends a pause; without end if not given. A statement under way goes on in the server. */
  readonly signal?: AbortSignal;
  /** Lends the session that holds the turn; the migrations' own handle, unless that has one only. */
  readonly beside?: Kysely<Database>;
}

/** Kysely's own, which earlier releases hold. */
const lock = sql`3853314791062309107`;
const pollMs = 500;
/** Tries from one word of the wait to the next. */
const triesPerWord = 60;
/** From one word of the progress to the next; the turn's session must not seem to be lost. */
const progressMs = 10_000;

/**
 * Migrates, one of all replicas at a time, unless what is wanted is `done` by
 * then. The turn is a transaction's, beside the session that does the work: a
 * session's own would be lost behind a pooler, and no index is built
 * concurrently in a transaction. It is tried for again and again: whoever waits
 * inside the lock function has a snapshot, for which such a build waits in turn.
 *
 * What a program that is gone has begun may still go on in the server: its turn
 * has ended then, so `work` must look for that.
 */
export async function onMigrationTurn(
  db: Kysely<Database>,
  context: MigrationContext,
  { done, work }: { done(): Promise<boolean>; work(session: Kysely<Database>): Promise<void> },
): Promise<void> {
  const { log, signal, beside = db } = context;
  const onSession = () => db.connection().execute(work);
  // The embedded database has one session, and so nobody else.
  if (!db.getExecutor().adapter.supportsMultipleConnections) return await onSession();
  for (let tries = 0; !await holdTurn(beside, context, onSession); tries++) {
    if (await done()) return;
    if (tries % triesPerWord === 0) {
      const building = await readIndexProgress(beside);
      log.info("Waiting for another that migrates the database", { building });
    }
    await sleep(pollMs, signal);
    signal?.throwIfAborted();
  }
}

/** Whether the turn was to be had; then `work` is done. */
async function holdTurn(
  beside: Kysely<Database>,
  { log, signal }: MigrationContext,
  work: () => Promise<void>,
): Promise<boolean> {
  return await beside.transaction().execute(async (turn) => {
    const { rows: [row] } = await sql<{ readonly locked: boolean }>`
      select pg_try_advisory_xact_lock(${lock}) as locked, (
        select count(set_config(name, '0', true)) from pg_settings
        where name in ('idle_in_transaction_session_timeout', 'transaction_timeout')
      ) as unlimited`.execute(turn);
    if (!row!.locked) return false;
    const ended = new AbortController();
    const over = signal === undefined ? ended.signal : AbortSignal.any([ended.signal, signal]);
    const telling = tellProgress(turn, log, over);
    try {
      await work();
    } finally {
      ended.abort();
      await telling;
    }
    return true;
  });
}

/** Ends early where the session is lost, which the end of its transaction tells. */
async function tellProgress(
  turn: Transaction<Database>,
  log: Logger,
  over: AbortSignal,
): Promise<void> {
  for (;;) {
    await sleep(progressMs, over);
    if (over.aborted) return;
    try {
      const building = await readIndexProgress(turn);
      if (building.length > 0) log.info("Still migrating", { building });
    } catch (error) {
      return log.warning("Lost the turn to migrate; another may begin", { error: String(error) });
    }
  }
}
