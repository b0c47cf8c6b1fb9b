/**
 * PGlite in a thread of its own. A long statement doesn't hold up what else the
 * process does, its signals least of all, and memory that PostgreSQL took, and
 * WebAssembly can't give back, goes when the thread ends.
 */
import { PGlite } from "@electric-sql/pglite";
import { breakAtPanic, BrokenDatabaseError } from "./break_at_panic.ts";
import { createCluster } from "./create_cluster.ts";
import { serverSettings } from "./server_settings.ts";
import { upkeep } from "./upkeep.ts";
import {
  type PgliteAnswer,
  type PgliteCall,
  type PgliteResult,
  plainError,
} from "./worker_calls.ts";

const upkeepMs = 10_000;

/** The thread as seen from inside, for which the types of the main thread have no name. */
interface WorkerThread {
  onmessage: ((event: MessageEvent<PgliteCall>) => void) | null;
  postMessage(answer: PgliteAnswer): void;
}

const thread = self as unknown as WorkerThread;
let pglite: PGlite | undefined;

async function open(folder: string): Promise<void> {
  let lastWords: string | undefined;
  try {
    pglite = await PGlite.create(folder, {
      startParams: serverSettings,
      onStderr(line) {
        const [, words] = /\b(?:FATAL|PANIC): +(.+)/.exec(line) ?? [];
        lastWords = words ?? lastWords;
        // Nothing more is to be done with it.
        return false;
      },
    });
  } catch (error) {
    throw new Error(lastWords ?? plainError(error).message, { cause: error });
  }
  breakAtPanic(pglite.Module, () => lastWords);
}

async function answerTo(call: PgliteCall): Promise<PgliteResult | undefined> {
  switch (call.call) {
    case "create":
      await createCluster(call.folder);
      return undefined;
    case "open":
      await open(call.folder);
      return undefined;
    case "query": {
      const { rows, affectedRows, command } = await pglite!.query(call.sql, [...call.parameters]);
      return { rows, affectedRows, command };
    }
    case "close":
      await pglite?.close();
      return undefined;
  }
}

/** Queries and upkeep take turns. */
let last: Promise<void> = Promise.resolve();

thread.onmessage = ({ data: call }) => {
  last = last.then(async () => {
    try {
      thread.postMessage({ result: await answerTo(call) });
    } catch (error) {
      if (!saidBroken(error)) thread.postMessage({ error: plainError(error) });
    }
  });
};

setInterval(() => {
  last = last.then(async () => {
    try {
      if (pglite !== undefined && !pglite.closed) await upkeep(pglite);
    } catch (error) {
      // Another time, then: say, once the disk has room again.
      saidBroken(error);
    }
  });
}, upkeepMs);

function saidBroken(error: unknown): boolean {
  if (!(error instanceof BrokenDatabaseError)) return false;
  thread.postMessage({ broken: error.message });
  return true;
}
