import type { Delivery } from "#shared/broker/port/broker.ts";
import { retry } from "#shared/lifecycle/retry.ts";
import type { DeadLetterReason } from "./letters/dead_letters.ts";
import type { QueueContext, Settlement } from "./settlement.ts";

/** A delivery that is to be dead-lettered, and why. */
export interface Letter {
  readonly delivery: Delivery;
  readonly reason: DeadLetterReason;
  readonly detail: string;
}

/**
 * Dead-letters deliveries, each acked once its letter is confirmed. What the
 * broker refuses is kept and tried again, with backoff.
 */
export class LetterDesk {
  readonly #context: QueueContext;
  readonly #settlement: Settlement;
  readonly #underWay = new Set<Promise<void>>();

  constructor(context: QueueContext, settlement: Settlement) {
    this.#context = context;
    this.#settlement = settlement;
  }

  /** Those that are not confirmed, and not given up. */
  get underWay(): ReadonlySet<Promise<void>> {
    return this.#underWay;
  }

  /** @param signal Aborted to give them up. */
  take(letters: readonly Letter[], signal: AbortSignal): void {
    if (letters.length === 0 || signal.aborted) return;
    const done = this.#confirmed(letters, signal).finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
  }

  async #confirmed(letters: readonly Letter[], signal: AbortSignal): Promise<void> {
    const { metrics, log, queue } = this.#context;
    const unconfirmed = metrics.unconfirmedLetters.labels(queue);
    unconfirmed.inc(letters.length);
    let left = letters;
    const sendLeft = async () => {
      const outcomes = await Promise.allSettled(
        left.map(({ delivery, reason, detail }) =>
          this.#settlement.deadLetter(delivery, reason, detail)
        ),
      );
      const failure = outcomes.find(({ status }) => status === "rejected");
      const done = left.filter((_, at) => outcomes[at]!.status === "fulfilled");
      left = left.filter((_, at) => outcomes[at]!.status === "rejected");
      this.#settlement.ack(done.map(({ delivery }) => delivery));
      unconfirmed.dec(done.length);
      this.#note(done);
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

  #note(confirmed: readonly Letter[]): void {
    const { metrics, log, queue } = this.#context;
    for (const [reason, group] of Map.groupBy(confirmed, ({ reason }) => reason)) {
      const fields = { queue, reason, messages: group.length, firstDetail: group[0]!.detail };
      metrics.deadLetters.inc({ queue, reason }, group.length);
      if (reason === "decoder_failed") log.error("Dead-lettered what should decode", fields);
      else log.warning("Dead-lettered messages", fields);
    }
  }
}
