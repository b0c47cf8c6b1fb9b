import { parseResidentBytes } from "../ingest/proc_files.ts";
import { measurable } from "../ingest/process_usage.ts";

const everyMs = 100;
/** A probe that takes longer counts as this long. */
const longestMs = 60_000;

/** What was seen of one service while something was done to it. */
export interface Seen {
  readonly peakBytes: number | undefined;
  /** The longest that `/readyz` took, whatever it answered. */
  readonly readyMs: number;
}

/** Watches a service's memory and how long its `/readyz` takes, until it is disposed. */
export class Observed implements AsyncDisposable {
  readonly #pid: number;
  readonly #url: string;
  readonly #stop = new AbortController();
  readonly #ended: Promise<unknown>;
  #peakBytes: number | undefined;
  #readyMs = 0;
  #askedMs: number | undefined;

  constructor(pid: number, adminUrl: string) {
    this.#pid = pid;
    this.#url = `${adminUrl}/readyz`;
    this.#ended = Promise.all([this.#watchMemory(), this.#probe()]);
  }

  async residentBytes(): Promise<number | undefined> {
    if (!measurable) return undefined;
    return parseResidentBytes(await Deno.readTextFile(`/proc/${this.#pid}/status`));
  }

  /** What was seen since it was last asked. */
  take(): Seen {
    // A probe that is under way has taken so long already.
    if (this.#askedMs !== undefined) this.#note(performance.now() - this.#askedMs);
    const seen = { peakBytes: this.#peakBytes, readyMs: this.#readyMs };
    this.#peakBytes = undefined;
    this.#readyMs = 0;
    return seen;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  async #watchMemory(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const bytes = await this.residentBytes().catch(() => undefined);
      if (bytes !== undefined) this.#peakBytes = Math.max(this.#peakBytes ?? 0, bytes);
      await pause();
    }
  }

  async #probe(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      this.#askedMs = performance.now();
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(longestMs)]);
      // A connection of its own: one that is kept may be in an abuse's way.
      using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
      await fetch(this.#url, { signal, client }).then((response) => response.text()).catch(
        () => {},
      );
      this.#note(performance.now() - this.#askedMs);
      this.#askedMs = undefined;
      await pause();
    }
  }

  #note(ms: number): void {
    this.#readyMs = Math.max(this.#readyMs, ms);
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, everyMs));
}
