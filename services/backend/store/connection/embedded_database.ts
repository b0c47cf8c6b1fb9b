import type { PGlite } from "@electric-sql/pglite";
import { type Driver, Kysely, PGliteDialect } from "kysely";
import type { Database, QueryHandle } from "../database.ts";
import { orAborted } from "./or_aborted.ts";
import { Turns } from "./turns.ts";

const kinds = ["ingest", "query", "maintenance"] as const;
export type EmbeddedHandle = typeof kinds[number];

/**
 * PGlite is one session, which all handles share, kind by kind in turn, and a
 * transaction as a whole. Kysely lends it to everyone at once, so that a query
 * could land in somebody else's open transaction, and be rolled back with it.
 *
 * It cannot be told to end a statement, and knows no time limit: a caller who
 * leaves is answered at once, but the statement that has begun runs to its end.
 */
export class EmbeddedDatabase implements AsyncDisposable {
  readonly #pglite: PGlite;
  readonly #lock: Disposable;
  readonly #turns = new Turns(kinds, 1);
  /** For who has the turn. */
  readonly #unlocked: Kysely<Database>;

  /** @param lock Held for as long as the database is open. */
  constructor(pglite: PGlite, lock: Disposable) {
    this.#pglite = pglite;
    this.#lock = lock;
    this.#unlocked = new Kysely<Database>({ dialect: new PGliteDialect({ pglite }) });
  }

  handle(kind: EmbeddedHandle): Kysely<Database> {
    return new Kysely<Database>({ dialect: new TakingTurns(this.#pglite, this.#turns, kind) });
  }

  /** @param maxWaitMs Longest that a caller waits for a turn. */
  queries(maxWaitMs: number): QueryHandle {
    return {
      run: async (signal, work) => {
        const turn = await this.#turns.take("query", { signal, maxWaitMs });
        const ended = (async () => {
          using _ = turn;
          return await work(this.#unlocked);
        })();
        return await orAborted(ended, signal);
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#pglite.closed) await this.#pglite.close();
    this.#lock[Symbol.dispose]();
  }
}

class TakingTurns extends PGliteDialect {
  readonly #turns: Turns<EmbeddedHandle>;
  readonly #kind: EmbeddedHandle;

  constructor(pglite: PGlite, turns: Turns<EmbeddedHandle>, kind: EmbeddedHandle) {
    super({ pglite });
    this.#turns = turns;
    this.#kind = kind;
  }

  override createDriver(): Driver {
    const driver = super.createDriver();
    let turn: Disposable | undefined;
    const acquire = driver.acquireConnection.bind(driver);
    driver.acquireConnection = async (options) => {
      const taken = await this.#turns.take(this.#kind);
      turn = taken;
      return await acquire(options);
    };
    driver.releaseConnection = () => {
      turn?.[Symbol.dispose]();
      return Promise.resolve();
    };
    // The session is not this handle's to close.
    driver.destroy = () => Promise.resolve();
    return driver;
  }
}
