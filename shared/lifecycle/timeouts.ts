interface Waiting {
  readonly dueMs: number;
  readonly late: () => void;
}

/**
 * Timers that all take as long, for something that every call starts and hardly
 * one lets end: they share one timer of the runtime, which costs more than all
 * else that bounds a call.
 */
export class Timeouts implements Disposable {
  readonly ms: number;
  /** In the order in which they are due. */
  readonly #waiting = new Set<Waiting>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #disposed = false;

  constructor(ms: number) {
    this.ms = ms;
  }

  /** Calls `late` after `ms`, unless the function that it returns is called before. */
  start(late: () => void): () => void {
    const waiting = { dueMs: performance.now() + this.ms, late };
    this.#waiting.add(waiting);
    this.#schedule();
    return () => {
      this.#waiting.delete(waiting);
    };
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#waiting.clear();
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#disposed) return;
    const [first] = this.#waiting;
    if (first === undefined) return;
    this.#timer = setTimeout(() => this.#expire(), Math.max(first.dueMs - performance.now(), 0));
  }

  #expire(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (const waiting of this.#waiting) {
      if (waiting.dueMs > now) break;
      this.#waiting.delete(waiting);
      waiting.late();
    }
    this.#schedule();
  }
}
