import { exists } from "#shared/disk/exists.ts";
import { PgliteThread } from "./pglite_thread.ts";
import type { PgliteResult } from "./worker_calls.ts";

/** The one session of an embedded PostgreSQL. Who uses it must not be disturbed by others. */
export class PgliteSession implements AsyncDisposable {
  readonly #thread: PgliteThread;

  private constructor(thread: PgliteThread) {
    this.#thread = thread;
  }

  /** Opens the database in `folder`, and makes it before if there is none. */
  static async open(folder: string): Promise<PgliteSession> {
    if (!await exists(`${folder}/PG_VERSION`)) {
      if (!await isFree(folder)) {
        throw new Error("there is something in it that is no database; choose another folder");
      }
      await create(folder);
    }
    const thread = new PgliteThread(folder);
    try {
      await thread.call({ call: "open", folder });
      return new PgliteSession(thread);
    } catch (error) {
      thread[Symbol.dispose]();
      throw error;
    }
  }

  /** Rejects, with a `ExitError`, if the server ends by itself: there is no other. */
  get broken(): Promise<never> {
    return this.#thread.broken;
  }

  async query(sql: string, parameters: readonly unknown[] = []): Promise<PgliteResult> {
    return (await this.#thread.call({ call: "query", sql, parameters }))!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    using thread = this.#thread;
    // It may be broken: then there is nothing to close.
    await thread.call({ call: "close" }).catch(() => {});
  }
}

/** Makes it beside its place, so that one which is whole is all that is ever there. */
async function create(folder: string): Promise<void> {
  const unfinished = `${folder}.new`;
  await removeIfThere(unfinished);
  try {
    using thread = new PgliteThread(folder);
    await thread.call({ call: "create", folder: unfinished });
    await removeIfThere(folder, { recursive: false });
    await Deno.rename(unfinished, folder);
  } catch (error) {
    await removeIfThere(unfinished);
    throw error;
  }
}

/** Whether there is nothing at `folder`, or nothing in it. */
async function isFree(folder: string): Promise<boolean> {
  if (!await exists(folder)) return true;
  for await (const _ of Deno.readDir(folder)) return false;
  return true;
}

async function removeIfThere(path: string, { recursive = true } = {}): Promise<void> {
  try {
    await Deno.remove(path, { recursive });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
