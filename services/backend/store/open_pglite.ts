import { type Driver, Kysely } from "kysely";
import { sleep } from "#shared/lifecycle/sleep.ts";
import { StartError } from "#shared/lifecycle/start_error.ts";
import type { Database, OpenDatabase } from "./database.ts";
import { PgliteSession } from "./embedded/pglite_session.ts";
import { SessionDialect } from "./embedded/session_dialect.ts";

/** Longest that a lock which another process is about to give up is waited for. */
const lockMs = 500;
const lockPollMs = 20;

/**
 * The embedded PostgreSQL, kept in `folder`.
 *
 * @throws {StartError} if the folder cannot be written.
 */
export async function openPglite(folder: string): Promise<Pick<OpenDatabase, "db" | "broken">> {
  try {
    await Deno.mkdir(folder, { recursive: true });
    await using opening = new AsyncDisposableStack();
    const lock = opening.use(await lockFolder(folder));
    const session = await PgliteSession.open(folder);
    opening.move();
    return {
      db: new Kysely<Database>({ dialect: new ExclusiveDialect(session, lock) }),
      broken: session.broken,
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartError(`Cannot open the database in ${folder}: ${reason}`, { cause: error });
  }
}

/** Takes the folder until disposed, or this process ends: two of them would ruin it. */
async function lockFolder(folder: string): Promise<Disposable> {
  const file = await Deno.open(`${folder}.lock`, { create: true, write: true });
  const deadline = Date.now() + lockMs;
  while (!await file.tryLock(true)) {
    if (Date.now() >= deadline) {
      file.close();
      throw new Error("another process has it open; stop that one, or choose another folder");
    }
    await sleep(lockPollMs);
  }
  return file;
}

/**
 * PGlite is one session. Kysely lends it to everyone at once, so that a query
 * could land in somebody else's open transaction, and be rolled back with it;
 * here it goes to one at a time.
 */
class ExclusiveDialect extends SessionDialect {
  readonly #lock: Disposable;

  constructor(session: PgliteSession, lock: Disposable) {
    super(session);
    this.#lock = lock;
  }

  override createDriver(): Driver {
    return exclusive(super.createDriver(), this.#lock);
  }
}

function exclusive(driver: Driver, lock: Disposable): Driver {
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
  const destroy = driver.destroy.bind(driver);
  driver.destroy = async () => {
    await destroy();
    lock[Symbol.dispose]();
  };
  return driver;
}
