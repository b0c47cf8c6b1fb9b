import type { Delivery } from "#shared/broker/port/broker.ts";
import { within } from "#shared/lifecycle/within.ts";
import { MalformedMessageError } from "../readings/malformed_message_error.ts";
import { BatchWriter } from "./batch_writer.ts";
import { type Letter, LetterDesk } from "./letter_desk.ts";
import type { MessageKind } from "./message_kind.ts";
import type { QueueContext, Settlement } from "./settlement.ts";

export interface BatchConsumerOptions extends QueueContext {
  /** Rows a write, at least 1. */
  readonly maxRows: number;
  /** Longest that a row waits for its batch to fill, in milliseconds. */
  readonly maxWaitMs: number;
  /** Writes under way at once, at least 1. */
  readonly writers: number;
  /** Unix milliseconds. */
  readonly nowMs: () => number;
}

/**
 * Gathers deliveries into batches and settles each: written rows are acked
 * after their commit, malformed messages after their dead letter is confirmed,
 * which no row waits for. What can be neither is kept and tried again, with
 * backoff, and the prefetch bounds how much that is.
 */
export class BatchConsumer<Row> {
  readonly #kind: MessageKind<Row>;
  readonly #options: BatchConsumerOptions;
  readonly #letters: LetterDesk;
  readonly #writer: BatchWriter<Row>;
  /** Of the deliveries that can still be acked. */
  #giveUp = new AbortController();
  #drained = false;
  #waiting: Delivery[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #writing = new Set<Promise<void>>();

  constructor(kind: MessageKind<Row>, options: BatchConsumerOptions, settlement: Settlement) {
    this.#kind = kind;
    this.#options = options;
    this.#letters = new LetterDesk(options, settlement);
    this.#writer = new BatchWriter(kind, options, settlement, this.#letters);
  }

  /** Takes a delivery into the next batch; not after `drain`, to be delivered again. */
  accept(delivery: Delivery): void {
    if (this.#drained) return;
    this.#waiting.push(delivery);
    if (this.#waiting.length >= this.#options.maxRows) this.#startBatch();
    else this.#timer ??= setTimeout(() => this.#startBatch(), this.#options.maxWaitMs);
  }

  /**
   * Settles everything accepted so far, or as much as can be within
   * `deadlineMs`; the rest stays unacked, to be delivered again.
   */
  async drain(deadlineMs: number): Promise<void> {
    this.#startBatch();
    await within(deadlineMs, this.#settled());
    this.#drained = true;
    this.forget();
  }

  /** Gives up everything accepted so far, which will be delivered again. */
  forget(): void {
    this.#giveUp.abort();
    this.#giveUp = new AbortController();
    this.#waiting = [];
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #settled(): Promise<void> {
    const { underWay } = this.#letters;
    while (this.#writing.size + underWay.size > 0) {
      await Promise.all([...this.#writing, ...underWay]);
    }
  }

  #startBatch(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { maxRows, writers } = this.#options;
    while (this.#waiting.length > 0 && this.#writing.size < writers) {
      const batch = this.#waiting.length <= maxRows
        ? this.#waiting
        : this.#waiting.slice(0, maxRows);
      this.#waiting = batch === this.#waiting ? [] : this.#waiting.slice(maxRows);
      const settled = this.#settle(batch).finally(() => {
        this.#writing.delete(settled);
        this.#startBatch();
      });
      this.#writing.add(settled);
    }
  }

  async #settle(batch: readonly Delivery[]): Promise<void> {
    const { metrics, queue } = this.#options;
    const { signal } = this.#giveUp;
    metrics.received.inc({ queue }, batch.length);
    const deliveries: Delivery[] = [];
    const rows: Row[] = [];
    const malformed: Letter[] = [];
    const nowMs = this.#options.nowMs();
    for (const delivery of batch) {
      try {
        rows.push(this.#kind.decode(delivery.body, nowMs));
        deliveries.push(delivery);
      } catch (error) {
        malformed.push({ delivery, ...whyMalformed(error) });
      }
    }
    metrics.batchRows.observe(rows.length);
    this.#letters.take(malformed, signal);
    if (rows.length === 0) return;
    using _ = metrics.waiting.begin(queue);
    await this.#writer.write({ deliveries, rows }, signal);
  }
}

/** What a decoder throws beside its own errors is a fault of ours; the message can be replayed. */
function whyMalformed(error: unknown): Omit<Letter, "delivery"> {
  return error instanceof MalformedMessageError
    ? { reason: error.reason, detail: error.message }
    : { reason: "decoder_failed", detail: String(error) };
}
