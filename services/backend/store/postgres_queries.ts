import { Kysely, PostgresDialect, type PostgresPool } from "kysely";
import type { Database, QueryHandle } from "./database.ts";
import { orAborted } from "./connection/or_aborted.ts";
import type { Session } from "./session_pool.ts";
import { Turns } from "./connection/turns.ts";

export interface PostgresQueriesOptions {
  readonly sessions: { connect(): Promise<Session> };
  /** Callers at once, at most; as many as there are sessions. */
  readonly max: number;
  /** Longest that a caller waits for a session, in milliseconds. */
  readonly maxWaitMs: number;
}

/**
 * Queries of callers, each on a session of its own. When a caller leaves, the
 * server is asked to end the statement; the session stays taken until it has,
 * so that there are never more statements under way than sessions.
 */
export class PostgresQueries implements QueryHandle {
  readonly #options: PostgresQueriesOptions;
  readonly #turns: Turns<"query">;

  constructor(options: PostgresQueriesOptions) {
    this.#options = options;
    this.#turns = new Turns(["query"], options.max);
  }

  async run<Result>(
    signal: AbortSignal,
    work: (db: Kysely<Database>) => Promise<Result>,
  ): Promise<Result> {
    const { maxWaitMs } = this.#options;
    const turn = await this.#turns.take("query", { signal, maxWaitMs });
    return await orAborted(this.#onSession(turn, signal, work), signal);
  }

  async #onSession<Result>(
    turn: Disposable,
    signal: AbortSignal,
    work: (db: Kysely<Database>) => Promise<Result>,
  ): Promise<Result> {
    using _ = turn;
    const session = await this.#options.sessions.connect();
    const cancel = () => session.cancel(signal.reason);
    signal.addEventListener("abort", cancel);
    try {
      signal.throwIfAborted();
      return await work(
        new Kysely<Database>({ dialect: new PostgresDialect({ pool: poolOf(session) }) }),
      );
    } finally {
      signal.removeEventListener("abort", cancel);
      session.release();
    }
  }
}

/** A pool that lends the one session to every statement, and takes nothing back. */
function poolOf(session: Session): PostgresPool {
  const lent = { query: session.query, release: () => {} };
  return { options: {}, connect: () => Promise.resolve(lent), end: () => Promise.resolve() };
}
