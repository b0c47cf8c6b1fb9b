import { Code, ConnectError } from "@connectrpc/connect";

export interface LargeAnswersOptions {
  /** Made at once; the others wait. */
  readonly atOnce: number;
  readonly maxWaiting: number;
  /** Longest wait for a turn, in milliseconds. */
  readonly maxWaitMs: number;
  /** Whether there is room for one more now. */
  readonly room: () => boolean;
}

/** How often those who wait look for room that has become free, in milliseconds. */
const lookMs = 50;

/**
 * Turns for making answers whose size the caller does not bound: each takes a
 * multiple of its size while it is made, so few are made at once, and none
 * while clients leave much of theirs unread.
 */
export class LargeAnswers {
  readonly #options: LargeAnswersOptions;
  #making = 0;
  /** What gives each its turn, in the order in which they came. */
  readonly #waiting = new Set<() => void>();

  constructor(options: LargeAnswersOptions) {
    this.#options = options;
  }

  /**
   * Makes an answer when it has its turn.
   *
   * @throws {ConnectError} RESOURCE_EXHAUSTED when that does not come soon; the
   *   reason of `signal` when it is aborted before.
   */
  async make<Answer>(signal: AbortSignal, make: () => Promise<Answer>): Promise<Answer> {
    await this.#turn(signal);
    try {
      return await make();
    } finally {
      this.#making--;
      this.#startNext();
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const { maxWaiting, maxWaitMs } = this.#options;
    signal.throwIfAborted();
    if (this.#waiting.size >= maxWaiting) throw tooMany();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // Each leaves at once, so that nobody passes a turn to one that has left.
    const leave = (settle: () => void) => {
      this.#waiting.delete(start);
      settle();
    };
    const start = () => leave(resolve);
    const aborted = () => leave(() => reject(signal.reason));
    const late = setTimeout(() => leave(() => reject(tooMany())), maxWaitMs);
    const looking = setInterval(() => this.#startNext(), lookMs);
    signal.addEventListener("abort", aborted);
    this.#waiting.add(start);
    this.#startNext();
    try {
      await promise;
    } finally {
      clearTimeout(late);
      clearInterval(looking);
      signal.removeEventListener("abort", aborted);
    }
  }

  #startNext(): void {
    const { atOnce, room } = this.#options;
    for (const start of this.#waiting) {
      if (this.#making >= atOnce || !room()) return;
      this.#making++;
      start();
    }
  }
}

function tooMany(): ConnectError {
  const problem = "too many calls want every device at once; ask for pages, or try again";
  return new ConnectError(problem, Code.ResourceExhausted);
}
