/** What could not have its turn soon: too much waits for the same. */
export class DatabaseBusyError extends Error {
  override readonly name = "DatabaseBusyError";
}

export interface TurnOptions {
  /** One who leaves before the turn comes never has it. */
  readonly signal?: AbortSignal;
  /** Longest wait, in milliseconds; without end if not given. */
  readonly maxWaitMs?: number;
}

/**
 * A number of seats that are taken by turns: first come, first served among
 * those of one kind, and kind by kind, so that none waits for more than one
 * turn of each other kind, however many of these there are.
 */
export class Turns<Kind extends string> {
  readonly #waiting: ReadonlyMap<Kind, Set<() => void>>;
  readonly #kinds: readonly Kind[];
  #free: number;
  /** Place of the kind that had the last turn. */
  #last = 0;

  /** @param seats Turns at once, at least 1. */
  constructor(kinds: readonly Kind[], seats: number) {
    this.#kinds = kinds;
    this.#waiting = new Map(kinds.map((kind) => [kind, new Set()]));
    this.#free = seats;
  }

  /**
   * Resolves once it is the caller's turn, which lasts until the result is disposed.
   *
   * @throws {DatabaseBusyError} after `maxWaitMs`.
   * @throws the signal's reason when it is aborted before.
   */
  async take(kind: Kind, { signal, maxWaitMs }: TurnOptions = {}): Promise<Disposable> {
    signal?.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#wait(this.#waiting.get(kind)!, signal, maxWaitMs);
    return { [Symbol.dispose]: () => this.#next() };
  }

  async #wait(
    queue: Set<() => void>,
    signal: AbortSignal | undefined,
    maxWaitMs: number | undefined,
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // At once: a turn that came in the same moment would be nobody's.
    const leave = (reason: unknown) => {
      queue.delete(resolve);
      reject(reason);
    };
    const onAbort = () => leave(signal!.reason);
    const timer = maxWaitMs === undefined ? undefined : setTimeout(
      () => leave(new DatabaseBusyError(`no turn in ${maxWaitMs} ms`)),
      maxWaitMs,
    );
    signal?.addEventListener("abort", onAbort);
    queue.add(resolve);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  #next(): void {
    for (let step = 1; step <= this.#kinds.length; step++) {
      const at = (this.#last + step) % this.#kinds.length;
      const queue = this.#waiting.get(this.#kinds[at]!)!;
      for (const start of queue) {
        queue.delete(start);
        this.#last = at;
        start();
        return;
      }
    }
    this.#free++;
  }
}
