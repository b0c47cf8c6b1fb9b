import type { Delivery } from "#shared/broker/port/broker.ts";
import { tryAgain } from "#shared/lifecycle/retry.ts";
import { sqlState, writeFailure } from "../store/connection/write_failure.ts";
import type { LetterDesk } from "./letter_desk.ts";
import type { MessageKind } from "./message_kind.ts";
import type { QueueContext, Settlement } from "./settlement.ts";

/** Rows, each of the delivery at its place. */
export interface Batch<Row> {
  readonly deliveries: readonly Delivery[];
  readonly rows: readonly Row[];
}

/**
 * Writes batches, and acks each after its commit: again, with backoff, until it
 * succeeds; in halves, where the database blames a row, until that stands alone
 * and is dead-lettered.
 */
export class BatchWriter<Row> {
  readonly #kind: MessageKind<Row>;
  readonly #context: QueueContext;
  readonly #settlement: Settlement;
  readonly #letters: LetterDesk;

  constructor(
    kind: MessageKind<Row>,
    context: QueueContext,
    settlement: Settlement,
    letters: LetterDesk,
  ) {
    this.#kind = kind;
    this.#context = context;
    this.#settlement = settlement;
    this.#letters = letters;
  }

  /**
   * The first try is made here, since nearly all succeed at it: it costs one
   * wait, and no more.
   *
   * @param signal Aborted to give the batch up.
   */
  async write(batch: Batch<Row>, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const startedMs = performance.now();
    try {
      await this.#kind.write(batch.rows);
    } catch (error) {
      return await this.#writeAgain(error, batch, signal);
    }
    this.#written(batch, startedMs);
  }

  #written({ deliveries }: Batch<Row>, startedMs: number): void {
    const { metrics, queue } = this.#context;
    metrics.writeSeconds.observe((performance.now() - startedMs) / 1_000);
    metrics.waiting.progressed(queue);
    this.#settlement.ack(deliveries);
  }

  /** Goes on with a batch whose write has failed, until it succeeds, is refused or given up. */
  async #writeAgain(failed: unknown, batch: Batch<Row>, signal: AbortSignal): Promise<void> {
    const { metrics, log, queue } = this.#context;
    const { rows } = batch;
    let startedMs = 0;
    const writeRows = () => {
      startedMs = performance.now();
      return this.#kind.write(rows);
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
      if (writeFailure(error) === "reject") await this.#split(error, batch, signal);
      return;
    }
    this.#written(batch, startedMs);
  }

  async #split(
    refusal: unknown,
    { deliveries, rows }: Batch<Row>,
    signal: AbortSignal,
  ): Promise<void> {
    const { metrics, queue } = this.#context;
    metrics.writeFailures.inc({ queue, failure: "reject" });
    if (rows.length > 1) {
      const half = rows.length >> 1;
      for (const part of [[0, half], [half, rows.length]] as const) {
        const batch = { deliveries: deliveries.slice(...part), rows: rows.slice(...part) };
        await this.write(batch, signal);
      }
      return;
    }
    metrics.waiting.progressed(queue);
    const detail = `${sqlState(refusal) ?? ""} ${messageOf(refusal)}`;
    const delivery = deliveries[0]!;
    this.#letters.take([{ delivery, reason: "refused_by_database", detail }], signal);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
