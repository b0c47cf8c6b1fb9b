import { Socket } from "node:net";
import type { Logger } from "@logtape/logtape";
import { Kysely, PostgresDialect, sql } from "kysely";
import { type ClientBase, Pool } from "pg";
import { StartError } from "#shared/lifecycle/start_error.ts";
import { within } from "#shared/lifecycle/within.ts";
import type { DatabaseConfig } from "../config.ts";
import type { Database, OpenDatabase } from "./database.ts";

/** Longest that connecting may take, in milliseconds. */
const connectMs = 5_000;
/** Longest that closing waits: for a statement under way, and for the embedded one's files. */
const closingMs = { postgres: 1_000, pglite: 2_000 };

/**
 * The database that the configuration names: PostgreSQL, or the embedded one
 * for `pglite://PATH`. PostgreSQL is connected to at the first query.
 *
 * @param silenceMs Longest that a statement may go without an answer.
 * @throws {StartError} if the embedded database cannot be opened.
 */
export async function openDatabase(
  config: DatabaseConfig,
  log: Logger,
  silenceMs = 30_000,
): Promise<OpenDatabase> {
  if (config.url?.protocol === "pglite:") {
    const { openPglite } = await import("./open_pglite.ts");
    const { db, broken } = await openPglite(pglitePath(config.url));
    return opened(db, broken, closingMs.pglite);
  }
  const { url, host, port, user, password, database } = config;
  const pool = new Pool({
    ...(url === undefined
      ? { host, port, user, password, database }
      : { connectionString: url.href }),
    max: config.maxConnections,
    application_name: "iot-backend",
    connectionTimeoutMillis: connectMs,
    stream: () => socketThatGivesUp(silenceMs),
    keepAlive: true,
    // A promise, in fact: the connection is lent out once it has resolved.
    onConnect: (client) => limitLockWait(client, silenceMs * 0.8),
  });
  // The pool listens only to connections that nobody uses. Of one in use, its query fails as well;
  // unheard, its error would end the process. The next query makes a new connection.
  pool.on("error", () => {});
  pool.on("connect", (client) => {
    client.on("error", ({ message }) => {
      log.warning("Lost a database connection", { error: message });
    });
  });
  return opened(
    new Kysely<Database>({ dialect: new PostgresDialect({ pool }) }),
    // Another server, or this one again, may answer at any time.
    new Promise<never>(() => {}),
    closingMs.postgres,
  );
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

/**
 * Ends a wait for a lock before the silence does: the server does not notice
 * that its client has gone, and each try would leave a session there, waiting.
 * A limit that the role or the database sets holds.
 */
async function limitLockWait(client: ClientBase, limitMs: number): Promise<void> {
  await client.query(
    `select set_config('lock_timeout', $1, false) where current_setting('lock_timeout') = '0'`,
    [String(Math.round(limitMs))],
  );
}

function opened(
  db: Kysely<Database>,
  broken: Promise<never>,
  longestCloseMs: number,
): OpenDatabase {
  return {
    db,
    broken,
    async answers() {
      await sql`select 1`.execute(db);
      return true;
    },
    async [Symbol.asyncDispose]() {
      await within(longestCloseMs, db.destroy());
    },
  };
}

/** `pglite://.data/pglite` is relative to the working folder, `pglite:///var/lib/x` absolute. */
function pglitePath(url: URL): string {
  const path = decodeURIComponent(url.hostname + url.pathname);
  if (path === "" || path === "/") {
    throw new StartError("Cannot open the database: pglite:// names no folder; add a path");
  }
  return path;
}
