import process from "node:process";
import { getLogger } from "@logtape/logtape";
import { type Kysely, sql } from "kysely";
import { Client } from "pg";
import { databaseConfig } from "../../tests/support/database_config.ts";
import { openDatabase } from "../../services/backend/store/connection/open_database.ts";
import type { Database } from "../../services/backend/store/database.ts";
import { migrateToLatest } from "../../services/backend/store/schema/migrate.ts";
import { neededServices } from "../../tools/services/needed_services.ts";
import { obtainService } from "../../tools/services/obtain_service.ts";
import { ServiceError } from "../../tools/services/service.ts";
import { durableSettings, startPostgres } from "../../tools/services/start_postgres.ts";
import { freeBytes } from "../ingest/free_bytes.ts";
import { say } from "../ingest/output.ts";
import { countCpu, listenerPid } from "../ingest/process_usage.ts";
import type { StorageOptions } from "./options.ts";

/** Where it is measured. */
export interface StorageSite {
  readonly origin: string;
  /** A database of its own, with empty tables; disposing removes it. */
  readonly database: () => Promise<MeasuredDatabase>;
}

/** CPU in microseconds since a moment: of this process, and of PostgreSQL's where that can be seen. */
export interface Cpu {
  readonly own: number;
  readonly postgres: number | undefined;
}

export interface MeasuredDatabase extends AsyncDisposable {
  readonly db: Kysely<Database>;
  /** Counts from now on; the function that it returns says how much it was. */
  readonly countCpu: () => Promise<() => Promise<Cpu>>;
  /** On the disk that it is on, where that can be seen. */
  readonly freeBytes: () => Promise<number | undefined>;
}

/** More than are used at once. */
const sessions = 4;

/** Opens the site; disposing ends a server that was started. */
export async function openStorageSite(
  open: AsyncDisposableStack,
  { server, pglite, ownServices, signal }:
    & Pick<StorageOptions, "server" | "pglite" | "ownServices">
    & { readonly signal: AbortSignal },
): Promise<StorageSite> {
  if (pglite) return { origin: "the embedded database", database: pgliteDatabase };
  if (server !== undefined) {
    return { origin: "named by --db", database: () => serverDatabase(server) };
  }
  const needed = neededServices.find(({ name }) => name === "PostgreSQL")!;
  const service = await obtainService({
    ...needed,
    // Work that begins by itself would fall into some measurements and not into others.
    startInstalled: (signal) =>
      startPostgres(signal, { settings: { ...durableSettings, autovacuum: "off" } }),
  }, { environment: Deno.env.toObject(), ownServices, signal, warn: say });
  if (service === undefined) {
    throw new ServiceError(`No PostgreSQL. Try: ${needed.supply.join(", or: ")}`);
  }
  open.use(service);
  return { origin: service.origin, database: () => serverDatabase(service.url) };
}

async function pgliteDatabase(): Promise<MeasuredDatabase> {
  const folder = await Deno.makeTempDir({ prefix: "demo-app-bench-" });
  return await migrated(
    `pglite://${folder}/data`,
    undefined,
    () => Deno.remove(folder, { recursive: true }),
  );
}

async function serverDatabase(server: string): Promise<MeasuredDatabase> {
  const name = `bench_${crypto.randomUUID().slice(0, 8)}`;
  const execute = async (statement: string) => {
    const client = new Client({ connectionString: server });
    await client.connect();
    await client.query(statement).finally(() => client.end());
  };
  await execute(`create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return await migrated(
    url.href,
    await listenerPid(server),
    () => execute(`drop database if exists ${name} with (force)`),
  );
}

async function migrated(
  url: string,
  postgres: number | undefined,
  remove: () => Promise<void>,
): Promise<MeasuredDatabase> {
  await using opening = new AsyncDisposableStack();
  opening.defer(remove);
  const log = getLogger("bench");
  const database = opening.use(await openDatabase(databaseConfig(url, sessions), log));
  await migrateToLatest(database.db, log);
  const open = opening.move();
  const { db } = database;
  return {
    db,
    freeBytes: () =>
      freeBytes(url, async () => {
        const { rows } = await sql<{ readonly path: string }>`
          select current_setting('data_directory') as path`.execute(db);
        return rows[0]!.path;
      }),
    async countCpu() {
      const ofServer = await countCpu({ postgres }, 1);
      // To look costs some, too.
      const own = process.cpuUsage();
      return async () => {
        const { user, system } = process.cpuUsage(own);
        return { own: user + system, ...await ofServer() };
      };
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** Has all that was written be at rest, and the planner know it. */
export async function settle({ db }: Pick<MeasuredDatabase, "db">): Promise<void> {
  await sql`vacuum analyze`.execute(db);
  // Refused to roles that are no superuser; the figures are then a little less even.
  await sql`checkpoint`.execute(db).catch(() => {});
}
