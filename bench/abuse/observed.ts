import { parseResidentBytes } from "../ingest/proc_files.ts";
import { measurable } from "../ingest/process_usage.ts";
import type { Ask } from "./ready_worker.ts";

const everyMs = 100;

/** What was seen of one service while something was done to it. */
export interface Seen {
  readonly peakBytes: number | undefined;
  /** The longest that `/readyz` took, whatever it answered. */
  readonly readyMs: number;
}

/** Watches a service's memory and how long its `/readyz` takes, until it is disposed. */
export class Observed implements AsyncDisposable {
  readonly #pid: number;
  readonly #stop = new AbortController();
  readonly #ended: Promise<unknown>;
  readonly #ready = new Worker(new URL("./ready_worker.ts", import.meta.url), { type: "module" });
  #peakBytes: number | undefined;

  constructor(pid: number, adminUrl: string) {
    this.#pid = pid;
    this.#ask({ url: `${adminUrl}/readyz` });
    this.#ended = this.#watchMemory();
  }

  async residentBytes(): Promise<number | undefined> {
    if (!measurable) return undefined;
    return parseResidentBytes(await Deno.readTextFile(`/proc/${this.#pid}/status`));
  }

  /** What was seen since it was last asked. */
  async take(): Promise<Seen> {
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#ready.onmessage = ({ data }: MessageEvent<number>) => resolve(data);
    this.#ask("take");
    const seen = { peakBytes: this.#peakBytes, readyMs: await promise };
    this.#peakBytes = undefined;
    return seen;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ready.terminate();
    this.#stop.abort();
    await this.#ended;
  }

  #ask(ask: Ask): void {
    this.#ready.postMessage(ask);
  }

  async #watchMemory(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const bytes = await this.residentBytes().catch(() => undefined);
      if (bytes !== undefined) this.#peakBytes = Math.max(this.#peakBytes ?? 0, bytes);
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }
}
