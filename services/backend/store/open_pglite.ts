import { PGlite } from "@electric-sql/pglite";
import { type Driver, Kysely, PGliteDialect } from "kysely";
import { StartError } from "#shared/lifecycle/start_error.ts";
import { within } from "#shared/lifecycle/within.ts";
import type { Database } from "./database.ts";

/** Longest that a lock which another process is about to give up is waited for. */
const lockMs = 500;

/**
 * The embedded PostgreSQL, kept in `folder`.
 *
 * @throws {StartError} if the folder cannot be written.
 */
export async function openPglite(folder: string): Promise<Kysely<Database>> {
  try {
    await Deno.mkdir(folder, { recursive: true });
    await lockFolder(folder);
    const pglite = await PGlite.create(folder);
    return new Kysely<Database>({ dialect: new ExclusivePgliteDialect({ pglite }) });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartError(`Cannot open the database in ${folder}: ${reason}`, { cause: error });
  }
}

/**
 * Takes the folder for this process, until it ends: two processes in one
 * folder would ruin it.
 */
async function lockFolder(folder: string): Promise<void> {
  const file = await Deno.open(`${folder}.lock`, { create: true, write: true });
  const locked = file.lock(true);
  if (!await within(lockMs, locked)) {
    throw new Error("another process has it open; stop that one, or choose another folder");
  }
}

/**
 * PGlite is one session. Kysely lends it to everyone at once, so that a query
 * could land in somebody else's open transaction, and be rolled back with it;
 * here it goes to one at a time.
 */
class ExclusivePgliteDialect extends PGliteDialect {
  override createDriver(): Driver {
    return exclusive(super.createDriver());
  }
}

function exclusive(driver: Driver): Driver {
  let free: Promise<void> = Promise.resolve();
  let release: () => void = () => {};
  const acquire = driver.acquireConnection.bind(driver);
  driver.acquireConnection = async (options) => {
    const before = free;
    const { promise, resolve } = Promise.withResolvers<void>();
    free = promise;
    await before;
    release = resolve;
    return await acquire(options);
  };
  driver.releaseConnection = () => {
    release();
    return Promise.resolve();
  };
  return driver;
}
