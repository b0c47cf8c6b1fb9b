import { Gauge, type Registry } from "prom-client";

interface Queue {
  /** When each batch that is not settled began to wait, the oldest first. */
  readonly since: Map<object, number>;
  writtenMs: number;
}

/** Notices that rows wait to be written and none is, queue by queue. */
export class WaitingRows {
  readonly #queues = new Map<string, Queue>();
  readonly #nowMs: () => number;

  constructor(registry: Registry, nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
    const queues = this.#queues;
    const stalledMs = (queue: Queue) => this.#stalledMs(queue);
    new Gauge({
      name: "ingest_stalled_seconds",
      help: "How long rows have been waiting with none written; 0 while some are, or none waits.",
      labelNames: ["queue"],
      registers: [registry],
      collect() {
        for (const [name, queue] of queues) this.set({ queue: name }, stalledMs(queue) / 1_000);
      },
    });
  }

  /** A batch waits, until the result is disposed. */
  begin(name: string): Disposable {
    const { since } = this.#queue(name);
    const batch = {};
    since.set(batch, this.#nowMs());
    return { [Symbol.dispose]: () => since.delete(batch) };
  }

  /** Rows of the queue were written, or found to be such as never can be. */
  progressed(name: string): void {
    this.#queue(name).writtenMs = this.#nowMs();
  }

  /** How long the rows of a queue have been waiting with none written, the longest of all queues. */
  stalledMs(): number {
    return Math.max(0, ...[...this.#queues.values()].map((queue) => this.#stalledMs(queue)));
  }

  #queue(name: string): Queue {
    const known = this.#queues.get(name);
    if (known !== undefined) return known;
    const queue = { since: new Map<object, number>(), writtenMs: -Infinity };
    this.#queues.set(name, queue);
    return queue;
  }

  #stalledMs({ since, writtenMs }: Queue): number {
    const [oldest] = since.values();
    return oldest === undefined ? 0 : this.#nowMs() - Math.max(oldest, writtenMs);
  }
}
