import { type Driver, Kysely } from "kysely";
import { orAborted } from "#shared/lifecycle/or_aborted.ts";
import { Timeouts } from "#shared/lifecycle/timeouts.ts";
import type { Database, QueryHandle } from "../database.ts";
import { Turns } from "../turns.ts";
import type { PgliteSession } from "./pglite_session.ts";
import { SessionDialect } from "./session_dialect.ts";

const kinds = ["ingest", "query", "maintenance"] as const;
export type EmbeddedHandle = typeof kinds[number];

/**
 * PGlite is one session, which all handles share, kind by kind in turn, and a
 * transaction as a whole: Kysely lends it to everyone at once, so that a query
 * could land in somebody else's open transaction, and be rolled back with it.
 *
 * It cannot be told to end a statement, and keeps no time limit: a caller who
 * leaves is answered at once, but a statement that has begun runs to its end.
 */
export class EmbeddedDatabase implements AsyncDisposable {
  readonly #session: PgliteSession;
  readonly #lock: Disposable;
  readonly #turns = new Turns(kinds, 1);
  readonly #waits = new DisposableStack();

  /** @param lock Held for as long as the database is open. */
  constructor(session: PgliteSession, lock: Disposable) {
    this.#session = session;
    this.#lock = lock;
  }

  get broken(): Promise<never> {
    return this.#session.broken;
  }

  handle(kind: EmbeddedHandle): Kysely<Database> {
    const take = () => this.#turns.take(kind);
    return new Kysely<Database>({ dialect: new TakingTurns(this.#session, take) });
  }

  /** @param maxWaitMs Longest that a caller waits for a turn. */
  queries(maxWaitMs: number): QueryHandle {
    const db = new Kysely<Database>({ dialect: new SessionDialect(this.#session) });
    const maxWait = this.#waits.use(new Timeouts(maxWaitMs));
    return {
      run: async (signal, work) => {
        const turn = await this.#turns.take("query", { signal, maxWait });
        const ended = (async () => {
          using _ = turn;
          return await work(db);
        })();
        return await orAborted(ended, signal);
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
    this.#lock[Symbol.dispose]();
    this.#waits.dispose();
  }
}

class TakingTurns extends SessionDialect {
  readonly #take: () => Promise<Disposable>;

  constructor(session: PgliteSession, take: () => Promise<Disposable>) {
    super(session);
    this.#take = take;
  }

  override createDriver(): Driver {
    const driver = super.createDriver();
    // Of one turn at a time: nobody else has the session meanwhile.
    let turn: Disposable | undefined;
    const acquire = driver.acquireConnection.bind(driver);
    driver.acquireConnection = async (options) => {
      turn = await this.#take();
      return await acquire(options);
    };
    driver.releaseConnection = () => {
      turn![Symbol.dispose]();
      return Promise.resolve();
    };
    // The session is not this handle's to close.
    driver.destroy = () => Promise.resolve();
    return driver;
  }
}
