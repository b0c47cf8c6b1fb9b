import type { Timeouts } from "#shared/lifecycle/timeouts.ts";

/** What could not have its turn soon: too much waits for the same. */
export class DatabaseBusyError extends Error {
  override readonly name = "DatabaseBusyError";
}

export interface TurnOptions {
  /** One who leaves before the turn comes never has it. */
  readonly signal?: AbortSignal;
  /** Longest wait; without end if not given. */
  readonly maxWait?: Timeouts | undefined;
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
   * @throws {DatabaseBusyError} after `maxWait`.
   * @throws the signal's reason when it is aborted before.
   */
  async take(kind: Kind, { signal, maxWait }: TurnOptions = {}): Promise<Disposable> {
    signal?.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#wait(this.#waiting.get(kind)!, signal, maxWait);
    return { [Symbol.dispose]: () => this.#next() };
  }

  /** Whether the next turn that ends is somebody else's at once. */
  get awaited(): boolean {
    for (const queue of this.#waiting.values()) if (queue.size > 0) return true;
    return false;
  }

  async #wait(
    queue: Set<() => void>,
    signal: AbortSignal | undefined,
    maxWait: Timeouts | undefined,
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    queue.add(resolve);
    // At once: one who is still in the queue would get a turn, and not pass it on.
    const giveUp = (reason: unknown) => {
      queue.delete(resolve);
      reject(reason);
    };
    const leave = () => giveUp(signal!.reason);
    const stop = maxWait?.start(() => {
      giveUp(new DatabaseBusyError(`no turn in ${maxWait.ms} ms`));
    });
    signal?.addEventListener("abort", leave);
    try {
      await promise;
    } finally {
      stop?.();
      signal?.removeEventListener("abort", leave);
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
