import type { Logger } from "@logtape/logtape";
import type { Delivery } from "#shared/broker/port/broker.ts";
import { retry, tryAgain } from "#shared/lifecycle/retry.ts";
import { within } from "#shared/lifecycle/within.ts";
import { MalformedMessageError } from "../readings/malformed_message_error.ts";
import { sqlState, writeFailure } from "../store/connection/write_failure.ts";
import type { IngestMetrics } from "./ingest_metrics.ts";
import type { DeadLetterReason } from "./letters/dead_letters.ts";

export interface BatchOptions {
  /** Rows a write, at least 1. */
  readonly maxRows: number;
  /** Longest that a row waits for its batch to fill, in milliseconds. */
  readonly maxWaitMs: number;
  /** Writes under way at once, at least 1. */
  readonly writers: number;
}

export interface BatchConsumerOptions<Row> extends BatchOptions {
  readonly queue: string;
  /** Unix milliseconds. */
  readonly nowMs: () => number;
  /** @throws {MalformedMessageError} */
  readonly decode: (body: Uint8Array, nowMs: number) => Row;
  /** Commits all rows or none; writing a row again changes nothing. */
  readonly write: (rows: readonly Row[]) => Promise<void>;
  /** Resolves once the message is safe in the dead-letter queue. */
  readonly deadLetter: (
    delivery: Delivery,
    reason: DeadLetterReason,
    detail: string,
  ) => Promise<void>;
  readonly ack: (deliveries: readonly Delivery[]) => void;
  readonly metrics: IngestMetrics;
  readonly log: Logger;
}

interface Letter {
  readonly delivery: Delivery;
  readonly reason: DeadLetterReason;
  readonly detail: string;
}

/**
 * Gathers deliveries into batches and settles each: written rows are acked
 * after their commit, malformed messages after their dead letter is confirmed,
 * which no row waits for. What can be neither is kept and tried again, with
 * backoff, and the prefetch bounds how much that is.
 */
export class BatchConsumer<Row> {
  readonly #options: BatchConsumerOptions<Row>;
  /** Of the deliveries that can still be acked. */
  #giveUp = new AbortController();
  #drained = false;
  #waiting: Delivery[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #writing = new Set<Promise<void>>();
  readonly #deadLettering = new Set<Promise<void>>();

  constructor(options: BatchConsumerOptions<Row>) {
    this.#options = options;
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
    while (this.#writing.size + this.#deadLettering.size > 0) {
      await Promise.all([...this.#writing, ...this.#deadLettering]);
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
    const { decode, metrics, queue } = this.#options;
    const { signal } = this.#giveUp;
    metrics.received.inc({ queue }, batch.length);
    const deliveries: Delivery[] = [];
    const rows: Row[] = [];
    const malformed: Letter[] = [];
    const nowMs = this.#options.nowMs();
    for (const delivery of batch) {
      try {
        rows.push(decode(delivery.body, nowMs));
        deliveries.push(delivery);
      } catch (error) {
        malformed.push({ delivery, ...whyMalformed(error) });
      }
    }
    metrics.batchRows.observe(rows.length);
    this.#deadLetter(malformed, signal);
    if (rows.length === 0) return;
    using _ = metrics.waiting.begin(queue);
    await this.#write(deliveries, rows, signal);
  }

  /**
   * Writes the rows, each of the delivery at its place. The first try is made
   * here, since nearly all succeed at it: it costs one wait, and no more.
   */
  async #write(
    deliveries: readonly Delivery[],
    rows: readonly Row[],
    signal: AbortSignal,
  ): Promise<void> {
    if (signal.aborted) return;
    const startedMs = performance.now();
    try {
      await this.#options.write(rows);
    } catch (error) {
      return await this.#writeAgain(error, deliveries, rows, signal);
    }
    this.#written(deliveries, startedMs);
  }

  #written(deliveries: readonly Delivery[], startedMs: number): void {
    const { ack, metrics, queue } = this.#options;
    metrics.writeSeconds.observe((performance.now() - startedMs) / 1_000);
    metrics.waiting.progressed(queue);
    ack(deliveries);
  }

  /** Goes on with rows whose write has failed, until it succeeds, they are refused or given up. */
  async #writeAgain(
    failed: unknown,
    deliveries: readonly Delivery[],
    rows: readonly Row[],
    signal: AbortSignal,
  ): Promise<void> {
    const { write, metrics, log, queue } = this.#options;
    let startedMs = 0;
    const writeRows = () => {
      startedMs = performance.now();
      return write(rows);
    };
    try {
      await tryAgain(failed, writeRows, {
        signal,
        again: (error) => writeFailure(error) !== "reject",
        onFailure({ error, attempt, retryMs }) {
          const failure = writeFailure(error);
          metrics.writeFailures.inc({ queue, failure });
          const fields = { queue, rows: rows.length, attempt, error: messageOf(error), retryMs };
          if (failure === "repair") log.error("Cannot write: the database needs mending", fields);
          else log.warning("Cannot write; the batch is kept and tried again", fields);
        },
      });
    } catch (error) {
      if (writeFailure(error) === "reject") await this.#split(error, deliveries, rows, signal);
      return;
    }
    this.#written(deliveries, startedMs);
  }

  /** Writes in halves what the database refuses, until the row to blame stands alone. */
  async #split(
    refusal: unknown,
    deliveries: readonly Delivery[],
    rows: readonly Row[],
    signal: AbortSignal,
  ): Promise<void> {
    const { metrics, queue } = this.#options;
    metrics.writeFailures.inc({ queue, failure: "reject" });
    if (rows.length > 1) {
      const half = rows.length >> 1;
      await this.#write(deliveries.slice(0, half), rows.slice(0, half), signal);
      await this.#write(deliveries.slice(half), rows.slice(half), signal);
      return;
    }
    metrics.waiting.progressed(queue);
    const detail = `${sqlState(refusal) ?? ""} ${messageOf(refusal)}`;
    this.#deadLetter([{ delivery: deliveries[0]!, reason: "refused_by_database", detail }], signal);
  }

  #deadLetter(letters: readonly Letter[], signal: AbortSignal): void {
    if (letters.length === 0 || signal.aborted) return;
    const done = this.#confirmed(letters, signal).finally(() => this.#deadLettering.delete(done));
    this.#deadLettering.add(done);
  }

  /** Dead-letters all of them, each acked once its letter is confirmed, or given up. */
  async #confirmed(letters: readonly Letter[], signal: AbortSignal): Promise<void> {
    const { deadLetter, ack, metrics, log, queue } = this.#options;
    const unconfirmed = metrics.unconfirmedLetters.labels(queue);
    unconfirmed.inc(letters.length);
    let left = letters;
    const sendLeft = async () => {
      const outcomes = await Promise.allSettled(
        left.map(({ delivery, reason, detail }) => deadLetter(delivery, reason, detail)),
      );
      const failure = outcomes.find(({ status }) => status === "rejected");
      const done = left.filter((_, at) => outcomes[at]!.status === "fulfilled");
      left = left.filter((_, at) => outcomes[at]!.status === "rejected");
      ack(done.map(({ delivery }) => delivery));
      unconfirmed.dec(done.length);
      for (const [reason, group] of Map.groupBy(done, ({ reason }) => reason)) {
        const fields = { queue, reason, messages: group.length, firstDetail: group[0]!.detail };
        metrics.deadLetters.inc({ queue, reason }, group.length);
        if (reason === "decoder_failed") log.error("Dead-lettered what should decode", fields);
        else log.warning("Dead-lettered messages", fields);
      }
      if (failure?.status === "rejected") throw failure.reason;
    };
    try {
      await retry(sendLeft, {
        signal,
        onFailure({ error, retryMs }) {
          const fields = { queue, messages: left.length, error: String(error), retryMs };
          log.error("Cannot dead-letter messages; they are kept", fields);
        },
      });
    } catch {
      // Given up, which is all that ends it, and the failure was logged.
    }
    unconfirmed.dec(left.length);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What a decoder throws beside its own errors is a fault of ours; the message can be replayed. */
function whyMalformed(error: unknown): Omit<Letter, "delivery"> {
  return error instanceof MalformedMessageError
    ? { reason: error.reason, detail: error.message }
    : { reason: "decoder_failed", detail: String(error) };
}
