import { Socket } from "node:net";
import type { Logger } from "@logtape/logtape";
import type { PostgresPool, PostgresPoolClient } from "kysely";
import { type ClientBase, Pool, type PoolClient } from "pg";
import type { DatabaseConfig } from "../../config.ts";
import { cancelStatement } from "./cancel_statement.ts";
import { resultTypes } from "./result_types.ts";
import { type SessionSetting, startSession } from "./session_settings.ts";
import { localSettings } from "./statements/local_settings.ts";
import { namedStatements } from "./statements/named_statements.ts";
import type { RunStatement } from "./statements/run_statement.ts";
import { StatementNames } from "./statements/statement_names.ts";
import { writeFailure } from "./write_failure.ts";

export interface SessionPoolOptions {
  /** Sessions at once, at most. */
  readonly max: number;
  /** Longest that a statement may go without an answer, in milliseconds; without end if not given. */
  readonly silenceMs?: number;
  /** Where there are none, a session begins without a question, and names no statement. */
  readonly settings: readonly SessionSetting[];
}

/** A session that is lent to one user at a time, who returns it by `release`. */
export interface Session extends PostgresPoolClient {
  /** Ends the statement that it is at; it runs none from then on. */
  cancel(reason: unknown): void;
  /** Whether it has failed or was cancelled, and ends when it is returned. */
  readonly givenUp: boolean;
}

/** Longest that connecting may take, in milliseconds. */
const connectMs = 5_000;
/** Longest that a session is kept for whoever comes next, in milliseconds. */
const idleMs = 10_000;
/** Longest life of a session, less up to a fifth at random, so that not all end at once. */
const lifetimeSeconds = 900;
/** Statements that are named, at most: more than the backend has, and what a session may keep. */
const mostNames = 500;

const names = new StatementNames(mostNames);

/**
 * Sessions with PostgreSQL, each connected when it is first needed. One that
 * fails by no fault of a row is given up: whatever it is that it inherited
 * (a server that took no writes, a limit of its role) may be mended by now, and
 * stays with the session. For what fails nothing, no session lives for long.
 */
export class SessionPool implements PostgresPool {
  readonly #pool: Pool;
  /** Each the same object for all its users, so that what is made for a session can be kept. */
  readonly #sessions = new WeakMap<PoolClient, Session>();
  /** How each runs its statements; as they are, where it began without settings. */
  readonly #ways = new WeakMap<ClientBase, RunStatement>();

  constructor(config: DatabaseConfig, log: Logger, options: SessionPoolOptions) {
    const { url, host, port, user, password, database } = config;
    const { max, silenceMs, settings } = options;
    this.#pool = new Pool({
      ...(url === undefined
        ? { host, port, user, password, database }
        : { connectionString: url.href }),
      max,
      application_name: "iot-backend",
      types: resultTypes,
      connectionTimeoutMillis: connectMs,
      // Sooner than its silence would count as a loss.
      idleTimeoutMillis: Math.min(idleMs, (silenceMs ?? Infinity) / 2),
      maxLifetimeSeconds: lifetimeSeconds * (1 - Math.random() / 5),
      ...(silenceMs === undefined ? {} : { stream: () => socketThatGivesUp(silenceMs) }),
      keepAlive: true,
      keepAliveInitialDelayMillis: 30_000,
      // What goes around a statement behind a pooler is sent along with it.
      pipeline: true,
      // A promise, in fact: the connection is lent out once it has resolved.
      ...(settings.length === 0
        ? {}
        : { onConnect: (client: ClientBase) => this.#start(client, settings) }),
    });
    // The pool listens only to connections that nobody uses. Of one in use, its query fails as well;
    // unheard, its error would end the process. The next query makes a new connection.
    this.#pool.on("error", () => {});
    this.#pool.on("connect", (client) => {
      client.on("error", ({ message }) => {
        log.warning("Lost a database connection", { error: message });
      });
    });
  }

  get options(): object {
    return this.#pool.options;
  }

  async connect(): Promise<Session> {
    const client = await this.#pool.connect();
    let session = this.#sessions.get(client);
    if (session === undefined) {
      const run = this.#ways.get(client) ?? ((text, values) => client.query(text, [...values]));
      this.#sessions.set(client, session = sessionOf(client, run));
    }
    return session;
  }

  async #start(client: ClientBase, wanted: readonly SessionSetting[]): Promise<void> {
    const { pooled, settings } = await startSession(client, wanted);
    const way = pooled ? localSettings(client, settings) : namedStatements(client, names);
    this.#ways.set(client, way);
  }

  async end(): Promise<void> {
    await this.#pool.end();
  }
}

/** What `pg` keeps of a session's start, and its types leave out. */
interface StartedSession {
  readonly host: string;
  readonly port: number;
  readonly processID: number;
  readonly secretKey: number;
}

/** One that has failed or was cancelled is given up when it is returned, so nobody has it again. */
function sessionOf(client: PoolClient, run: RunStatement): Session {
  let failed = false;
  let cancelled: { readonly reason: unknown; readonly sent: Promise<void> } | undefined;
  // A request to cancel that is late would end a statement of whoever had the session next.
  const givenUp = () => failed || cancelled !== undefined;
  const query = async (text: string, parameters: readonly unknown[]) => {
    if (cancelled !== undefined) throw cancelled.reason;
    try {
      return await run(text, parameters);
    } catch (error) {
      if (writeFailure(error) !== "reject") failed = true;
      throw error;
    }
  };
  return {
    // Kysely has a second signature for cursors, which nobody here opens, and reads nothing of the
    // result but what `pg` gives.
    query: query as unknown as PostgresPoolClient["query"],
    cancel(reason) {
      const { host, port, processID, secretKey } = client as unknown as StartedSession;
      const address = { host, port, processId: processID, secretKey };
      cancelled ??= { reason, sent: cancelStatement(address) };
    },
    get givenUp() {
      return givenUp();
    },
    release(destroy) {
      client.release(destroy === true || givenUp());
    },
  };
}

/**
 * A socket that ends when nothing comes for so long. A time limit on the query
 * alone would give the connection back to the pool, where everyone who gets it
 * waits for the same answer that does not come.
 */
function socketThatGivesUp(silenceMs: number): Socket {
  const socket = new Socket();
  socket.setTimeout(silenceMs, () => {
    socket.destroy(new Error(`Connection timeout: the database was silent for ${silenceMs} ms`));
  });
  return socket;
}
