import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { sleep } from "#shared/lifecycle/sleep.ts";
import { EmbeddedDatabase } from "./embedded_database.ts";
import { PgliteSession } from "./pglite_session.ts";

/** Longest that a lock which another process is about to give up is waited for. */
const lockMs = 500;
const lockPollMs = 20;

/**
 * The embedded PostgreSQL, kept in `folder`.
 *
 * @throws {ExitError} if the folder cannot be written.
 */
export async function openPglite(folder: string): Promise<EmbeddedDatabase> {
  try {
    await Deno.mkdir(folder, { recursive: true });
    await using opening = new AsyncDisposableStack();
    const lock = opening.use(await lockFolder(folder));
    const session = await PgliteSession.open(folder);
    opening.move();
    return new EmbeddedDatabase(session, lock);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ExitError(`Cannot open the database in ${folder}: ${reason}`, { cause: error });
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
