export interface PollGateOptions {
  /** Polls that may be under way at once. */
  readonly atOnce: number;
  /** True of an error that says that the backend is away, and not what it answered. */
  readonly away: (error: unknown) => boolean;
}

interface Waiting {
  readonly start: () => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Lets few polls through at once, in the order in which they come, however many
 * views are live, so that the backend has room for the pages. While it is away,
 * those who wait share the failure of those who tried: to try one by one would
 * take minutes to notice that it is back.
 */
export class PollGate {
  readonly #options: PollGateOptions;
  readonly #waiting = new Set<Waiting>();
  #running = 0;
  #answers = 0;

  constructor(options: PollGateOptions) {
    this.#options = options;
  }

  /** Runs `poll` in its turn; fails at once, if it has not begun, when `signal` is aborted. */
  async run<Value>(signal: AbortSignal, poll: () => Promise<Value>): Promise<Value> {
    signal.throwIfAborted();
    if (this.#running < this.#options.atOnce) this.#running++;
    else await this.#turn(signal);
    const answersBefore = this.#answers;
    try {
      const value = await poll();
      this.#answers++;
      return value;
    } catch (error) {
      if (!signal.aborted) this.#noteFailure(error, answersBefore);
      throw error;
    } finally {
      this.#running--;
      this.#startNext();
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => this.#waiting.delete(waiting);
    const abort = () => waiting.fail(signal.reason);
    const waiting: Waiting = {
      start: () => {
        leave();
        signal.removeEventListener("abort", abort);
        this.#running++;
        resolve();
      },
      fail: (error) => {
        leave();
        signal.removeEventListener("abort", abort);
        reject(error);
      },
    };
    this.#waiting.add(waiting);
    signal.addEventListener("abort", abort, { once: true });
    return promise;
  }

  #noteFailure(error: unknown, answersBefore: number): void {
    if (!this.#options.away(error)) {
      this.#answers++;
      return;
    }
    // Others have had an answer meanwhile: it is not the backend that is away.
    if (this.#answers > answersBefore) return;
    for (const waiting of [...this.#waiting]) waiting.fail(error);
  }

  #startNext(): void {
    const [next] = this.#waiting;
    next?.start();
  }
}
