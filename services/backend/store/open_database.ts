import type { Logger } from "@logtape/logtape";
import { Kysely, PostgresDialect, sql } from "kysely";
import { Pool } from "pg";
import { StartError } from "#shared/lifecycle/start_error.ts";
import { within } from "#shared/lifecycle/within.ts";
import type { DatabaseConfig } from "../config.ts";
import type { Database, OpenDatabase } from "./database.ts";

/** Longest that a statement may take, and that connecting may, in milliseconds. */
const statementMs = 30_000;
const connectMs = 5_000;
/** Longest that closing waits for a statement under way. */
const closingMs = 2_000;

/**
 * The database that the configuration names: PostgreSQL, or the embedded one
 * for `pglite://PATH`. PostgreSQL is connected to at the first query.
 *
 * @throws {StartError} if the embedded database cannot be opened.
 */
export async function openDatabase(config: DatabaseConfig, log: Logger): Promise<OpenDatabase> {
  if (config.url?.protocol === "pglite:") {
    const { openPglite } = await import("./open_pglite.ts");
    return opened(await openPglite(pglitePath(config.url)));
  }
  const { url, host, port, user, password, database } = config;
  const pool = new Pool({
    ...(url === undefined
      ? { host, port, user, password, database }
      : { connectionString: url.href }),
    max: config.maxConnections,
    application_name: "iot-backend",
    connectionTimeoutMillis: connectMs,
    query_timeout: statementMs,
    keepAlive: true,
  });
  // The pool listens only to connections that nobody uses. Of one in use, its query fails as well;
  // unheard, its error would end the process. The next query makes a new connection.
  pool.on("error", () => {});
  pool.on("connect", (client) => {
    client.on("error", ({ message }) => {
      log.warning("Lost a database connection", { error: message });
    });
  });
  return opened(new Kysely<Database>({ dialect: new PostgresDialect({ pool }) }));
}

function opened(db: Kysely<Database>): OpenDatabase {
  return {
    db,
    async answers() {
      await sql`select 1`.execute(db);
      return true;
    },
    async [Symbol.asyncDispose]() {
      await within(closingMs, db.destroy());
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
