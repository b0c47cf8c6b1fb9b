/** Counts what is sent and not yet confirmed, and tells when there is room for more. */
export class UnconfirmedWindow {
  readonly #limit: number;
  #size = 0;
  #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#size;
  }

  enter(): void {
    this.#size++;
  }

  leave(): void {
    this.#size--;
    if (this.#size < this.#limit && this.#waiting.length > 0) this.releaseAll();
  }

  /** Resolves when there is room; at once if there is now. */
  room(): Promise<void> {
    if (this.#size < this.#limit) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    return promise;
  }

  /** Lets everyone who waits go on, as at the end. */
  releaseAll(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
