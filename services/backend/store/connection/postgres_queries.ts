import { Kysely, PostgresDialect, type PostgresPool } from "kysely";
import type { Timeouts } from "#shared/lifecycle/timeouts.ts";
import type { Database, QueryHandle } from "../database.ts";
import { Turns } from "../turns.ts";
import type { Session } from "./session_pool.ts";

export interface PostgresQueriesOptions {
  readonly sessions: { connect(): Promise<Session> };
  /** Callers at once, at most; as many as there are sessions. */
  readonly max: number;
  /** Longest that a caller waits for a session. */
  readonly maxWait: Timeouts;
}

/** How often a session goes from caller to caller before the pool sees whether it is too old. */
const mostHandedOn = 100;

/** What is made once a session, not once a query. */
interface Kept {
  readonly db: Kysely<Database>;
  handedOn: number;
}

interface Asked {
  readonly signal: AbortSignal;
  /** What is to be cancelled when the caller leaves: none before it is lent, nor once it is returned. */
  session: Session | undefined;
}

/**
 * Queries of callers, each on a session of its own. When a caller leaves, the
 * server is asked to end the statement; the session stays taken until it has,
 * so that there are never more statements under way than sessions.
 */
export class PostgresQueries implements QueryHandle {
  readonly #options: PostgresQueriesOptions;
  readonly #turns: Turns<"query">;
  readonly #kept = new WeakMap<Session, Kept>();
  /** Of those whose turn has ended, each for one whose turn has begun. */
  readonly #handedOn: Session[] = [];

  constructor(options: PostgresQueriesOptions) {
    this.#options = options;
    this.#turns = new Turns(["query"], options.max);
  }

  async run<Result>(
    signal: AbortSignal,
    work: (db: Kysely<Database>) => Promise<Result>,
  ): Promise<Result> {
    const { maxWait } = this.#options;
    const turn = await this.#turns.take("query", { signal, maxWait });
    const asked: Asked = { signal, session: undefined };
    let leave = () => {};
    const answered = new Promise<Result>((resolve, reject) => {
      leave = () => {
        asked.session?.cancel(signal.reason);
        reject(signal.reason);
      };
      if (signal.aborted) leave();
      signal.addEventListener("abort", leave);
      this.#onSession(turn, asked, work).then(resolve, reject);
    });
    try {
      return await answered;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  async #onSession<Result>(
    turn: Disposable,
    asked: Asked,
    work: (db: Kysely<Database>) => Promise<Result>,
  ): Promise<Result> {
    using _ = turn;
    const session = this.#handedOn.pop() ?? await this.#options.sessions.connect();
    asked.session = session;
    const kept = this.#keptOf(session);
    try {
      asked.signal.throwIfAborted();
      return await work(kept.db);
    } finally {
      asked.session = undefined;
      // By way of the pool, each would cost two timers.
      if (this.#turns.awaited && !session.givenUp && ++kept.handedOn <= mostHandedOn) {
        this.#handedOn.push(session);
      } else {
        kept.handedOn = 0;
        session.release();
      }
    }
  }

  #keptOf(session: Session): Kept {
    let kept = this.#kept.get(session);
    if (kept === undefined) {
      const dialect = new PostgresDialect({ pool: poolOf(session) });
      this.#kept.set(session, kept = { db: new Kysely<Database>({ dialect }), handedOn: 0 });
    }
    return kept;
  }
}

/** A pool that lends the one session to every statement, and takes nothing back. */
function poolOf(session: Session): PostgresPool {
  const lent = { query: session.query, release: () => {} };
  return { options: {}, connect: () => Promise.resolve(lent), end: () => Promise.resolve() };
}
