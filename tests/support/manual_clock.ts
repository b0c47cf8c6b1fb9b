import { type Clock, systemClock } from "../../services/generator/publish/clock.ts";

/** A clock for tests: time passes when it is told to, and sleepers wake by it. */
export class ManualClock implements Clock {
  #nowUs: number;
  readonly #sleepers = new Set<{ readonly wakeUs: number; readonly wake: () => void }>();
  #watchers: { readonly sleepers: number; readonly resolve: () => void }[] = [];

  constructor(startUs: number) {
    this.#nowUs = startUs;
  }

  nowUs(): number {
    return this.#nowUs;
  }

  nowMs(): number {
    return this.#nowUs / 1_000;
  }

  breathe(): Promise<void> {
    return systemClock.breathe();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => {
      this.#sleepers.delete(sleeper);
      signal?.removeEventListener("abort", wake);
      resolve();
    };
    const sleeper = { wakeUs: this.#nowUs + ms * 1_000, wake };
    this.#sleepers.add(sleeper);
    signal?.addEventListener("abort", wake, { once: true });
    this.#tell();
    return promise;
  }

  /** Resolves once that many sleep. */
  asleep(sleepers = 1): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#watchers.push({ sleepers, resolve });
    this.#tell();
    return promise;
  }

  /** Lets time pass, and wakes whom it is time for. */
  advance(ms: number): void {
    this.#nowUs += ms * 1_000;
    for (const { wakeUs, wake } of [...this.#sleepers]) if (wakeUs <= this.#nowUs) wake();
  }

  #tell(): void {
    const due = this.#watchers.filter(({ sleepers }) => this.#sleepers.size >= sleepers);
    this.#watchers = this.#watchers.filter((watcher) => !due.includes(watcher));
    for (const { resolve } of due) resolve();
  }
}
