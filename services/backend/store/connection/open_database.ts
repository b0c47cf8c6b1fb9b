import type { Logger } from "@logtape/logtape";
import { Kysely, PostgresDialect, sql } from "kysely";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { Timeouts } from "#shared/lifecycle/timeouts.ts";
import { within } from "#shared/lifecycle/within.ts";
import type { BackendConfig, DatabaseConfig } from "../../config.ts";
import type { BackendDatabase, Database, OpenDatabase } from "../database.ts";
import { PostgresQueries } from "./postgres_queries.ts";
import { SessionPool, type SessionPoolOptions } from "./session_pool.ts";
import { reading, unlimited, writing } from "./session_settings.ts";
import { sessionShares } from "./session_shares.ts";

/** Longest that closing waits: for a statement under way, and for the embedded one's files. */
const closingMs = { postgres: 1_000, pglite: 2_000 };
/** Longest that a write may go without an answer, in milliseconds. */
const writeSilenceMs = 30_000;
/** Longest that a sign of life may be waited for. */
const probeSilenceMs = 5_000;
/** How long after its time limit a statement must have ended, or its connection is lost. */
const overtimeMs = 5_000;
/** Longest that a query waits for a session. */
const queryWaitMs = 2_000;

/**
 * The database that the configuration names: PostgreSQL, or the embedded one
 * for `pglite://PATH`. PostgreSQL is connected to at the first query. For
 * tools: no statement has a limit in time.
 *
 * @throws {ExitError} if the embedded database cannot be opened.
 */
export async function openDatabase(config: DatabaseConfig, log: Logger): Promise<OpenDatabase> {
  if (config.url?.protocol === "pglite:") {
    const embedded = await openEmbedded(config.url);
    return {
      ...withAnswers(embedded.handle("maintenance")),
      broken: embedded.broken,
      [Symbol.asyncDispose]: () => closed(closingMs.pglite, embedded[Symbol.asyncDispose]()),
    };
  }
  const db = pooled(config, log, { max: config.maxConnections, settings: unlimited });
  return {
    ...withAnswers(db),
    broken: neverBroken(),
    [Symbol.asyncDispose]: () => closed(closingMs.postgres, db.destroy()),
  };
}

/**
 * As `openDatabase`, in handles of which each has sessions of its own; on the
 * embedded database they take turns.
 */
export async function openBackendDatabase(
  { db: config, ingest }: Pick<BackendConfig, "db" | "ingest">,
  log: Logger,
): Promise<BackendDatabase> {
  const { queryTimeoutMs } = config;
  if (config.url?.protocol === "pglite:") {
    const embedded = await openEmbedded(config.url);
    return {
      ingest: embedded.handle("ingest"),
      // Everyone waits for the one session, so it is no sign that too many do.
      query: embedded.queries(queryTimeoutMs),
      maintenance: embedded.handle("maintenance"),
      probe: embedded.handle("ingest"),
      broken: embedded.broken,
      [Symbol.asyncDispose]: () => closed(closingMs.pglite, embedded[Symbol.asyncDispose]()),
    };
  }
  const shares = sessionShares(config.maxConnections, ingest.writers);
  const intake = pooled(config, log, {
    max: shares.ingest,
    silenceMs: writeSilenceMs,
    settings: writing(writeSilenceMs),
  });
  const sessions = new SessionPool(config, log, {
    max: shares.query,
    silenceMs: queryTimeoutMs + overtimeMs,
    settings: reading(queryTimeoutMs),
  });
  const maintenance = pooled(config, log, { max: shares.maintenance, settings: unlimited });
  const probe = pooled(config, log, {
    max: shares.probe,
    silenceMs: probeSilenceMs,
    settings: [],
  });
  const maxWait = new Timeouts(queryWaitMs);
  return {
    ingest: intake,
    query: new PostgresQueries({ sessions, max: shares.query, maxWait }),
    maintenance,
    probe,
    broken: neverBroken(),
    async [Symbol.asyncDispose]() {
      const ends = [intake, maintenance, probe].map((handle) => handle.destroy());
      await closed(closingMs.postgres, Promise.all([...ends, sessions.end()]));
      maxWait[Symbol.dispose]();
    },
  };
}

function pooled(config: DatabaseConfig, log: Logger, options: SessionPoolOptions) {
  const pool = new SessionPool(config, log, options);
  return new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
}

/** Another server, or this one again, may answer at any time. */
function neverBroken(): Promise<never> {
  return new Promise(() => {});
}

function withAnswers(db: Kysely<Database>): Pick<OpenDatabase, "db" | "answers"> {
  return { db, answers: () => answers(db) };
}

/** Asks the database for a sign of life. */
export async function answers(db: Kysely<Database>): Promise<boolean> {
  await sql`select 1`.execute(db);
  return true;
}

async function closed(longestMs: number, closing: Promise<unknown>): Promise<void> {
  await within(longestMs, closing);
}

async function openEmbedded(url: URL) {
  const { openPglite } = await import("../embedded/open_pglite.ts");
  return await openPglite(pglitePath(url));
}

/** `pglite://.data/pglite` is relative to the working folder, `pglite:///var/lib/x` absolute. */
function pglitePath(url: URL): string {
  // What lies beside the folder is named after it.
  const path = decodeURIComponent(url.hostname + url.pathname).replace(/\/+$/, "");
  if (path === "") {
    throw new ExitError("Cannot open the database: pglite:// names no folder; add a path");
  }
  return path;
}
