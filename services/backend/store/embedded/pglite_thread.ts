import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { errorOf, type PgliteAnswer, type PgliteCall, type PgliteResult } from "./worker_calls.ts";

const outOfRoom = /No space left on device|File too large|[Qq]uota exceeded/;

interface Waiting {
  resolve(result: PgliteResult | undefined): void;
  reject(error: Error): void;
}

/** A thread with PGlite in it. */
export class PgliteThread implements Disposable {
  /** Rejects when the server has ended by itself, and for good. */
  readonly broken: Promise<never>;
  readonly #folder: string;
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  readonly #break: (reason: Error) => void;
  #ended: Error | undefined;

  /** @param folder Of the database that the thread is for, as the person named it. */
  constructor(folder: string) {
    this.#folder = folder;
    const { promise, reject } = Promise.withResolvers<never>();
    // Nobody may be waiting for it.
    promise.catch(() => {});
    this.broken = promise;
    this.#break = reject;
    this.#worker = new Worker(new URL("./pglite_worker.ts", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }: MessageEvent<PgliteAnswer>) => this.#hear(data);
    this.#worker.onerror = (event) => {
      // Or it would end the process.
      event.preventDefault();
      this.#hear({ broken: event.message });
    };
  }

  /**
   * @throws the database's error, with its SQLSTATE
   * @throws {ExitError} once the server has ended.
   */
  async call(call: PgliteCall): Promise<PgliteResult | undefined> {
    if (this.#ended !== undefined) throw this.#ended;
    const { promise, resolve, reject } = Promise.withResolvers<PgliteResult | undefined>();
    // First, since a call with something that has no copy fails here, and gets no answer.
    this.#worker.postMessage(call);
    this.#waiting.push({ resolve, reject });
    return await promise;
  }

  /** Ends the thread, whatever it does. */
  [Symbol.dispose](): void {
    this.#end(new Error(`The database in ${this.#folder} is closed`));
  }

  #hear(answer: PgliteAnswer): void {
    if ("broken" in answer) {
      const mend = outOfRoom.test(answer.broken)
        ? "the disk is full; make room and start again"
        : "start again";
      const message = `The database in ${this.#folder} has stopped: ${answer.broken}: ${mend}. ` +
        "What was stored is kept";
      const error = new ExitError(message);
      this.#end(error);
      this.#break(error);
      return;
    }
    const waiting = this.#waiting.shift();
    if ("error" in answer) waiting?.reject(errorOf(answer.error));
    else waiting?.resolve(answer.result);
  }

  #end(reason: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#worker.terminate();
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
  }
}
