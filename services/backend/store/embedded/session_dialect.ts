import {
  AbortedTransactionError,
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  PGliteAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from "kysely";
import type { PgliteSession } from "./pglite_session.ts";

/** PostgreSQL's, over the one session of an embedded database. */
export class SessionDialect implements Dialect {
  readonly #session: PgliteSession;

  constructor(session: PgliteSession) {
    this.#session = session;
  }

  createDriver(): Driver {
    return new SessionDriver(this.#session);
  }

  createAdapter() {
    return new PGliteAdapter();
  }

  createIntrospector(db: Kysely<unknown>) {
    return new PostgresIntrospector(db);
  }

  createQueryCompiler() {
    return new PostgresQueryCompiler();
  }
}

/** Transactions are statements like any other: Kysely's own driver hangs where one can't begin. */
class SessionDriver implements Driver {
  readonly #session: PgliteSession;
  readonly #connection: DatabaseConnection;

  constructor(session: PgliteSession) {
    this.#session = session;
    this.#connection = {
      async executeQuery<Row>({ sql, parameters }: CompiledQuery) {
        const { rows, affectedRows } = await session.query(sql, parameters);
        return {
          // As the caller of the query says that they are.
          rows: rows as Row[],
          ...(affectedRows === undefined ? {} : { numAffectedRows: BigInt(affectedRows) }),
        };
      },
      streamQuery() {
        throw new Error("Cannot stream rows: PGlite gives them all at once");
      },
    };
  }

  init(): Promise<void> {
    return Promise.resolve();
  }

  acquireConnection(): Promise<DatabaseConnection> {
    return Promise.resolve(this.#connection);
  }

  async beginTransaction(): Promise<void> {
    await this.#session.query("begin");
  }

  async commitTransaction(): Promise<void> {
    const { command } = await this.#session.query("commit");
    if (command === "ROLLBACK") throw new AbortedTransactionError();
  }

  async rollbackTransaction(): Promise<void> {
    await this.#session.query("rollback");
  }

  releaseConnection(): Promise<void> {
    return Promise.resolve();
  }

  async destroy(): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
  }
}
