/** How a channel acks: one delivery tag, or with `multiple` all up to it. */
export type SendAck = (tag: number, multiple: boolean) => void;

/** Tags that are settled, one after the other. */
interface Run {
  readonly first: number;
  last: number;
  /** Whether the broker knows. */
  readonly acked: boolean;
}

/**
 * The deliveries of one channel that are not acked. Acks in any order become
 * one `multiple` ack for all up to the first that is still open: several times
 * cheaper for the broker than an ack a message. Those beyond it are held back,
 * up to `maxHeld`, so that one that stays open does not use up the prefetch.
 *
 * A channel counts its tags up from 1, and they are settled by the batch, so
 * that a few runs of tags say it all.
 */
export class AckWindow {
  readonly #send: SendAck;
  readonly #maxHeld: number;
  #delivered = 0;
  /** All before it are acked. */
  #next = 1;
  /** Ascending; two that touch differ in `acked`. */
  #runs: Run[] = [];
  /** Tags that are settled and not acked. */
  #held = 0;

  constructor(send: SendAck, maxHeld: number) {
    this.#send = send;
    this.#maxHeld = maxHeld;
  }

  deliver(tag: number): void {
    this.#delivered = tag;
  }

  /** A tag that is settled already is passed over. */
  settle(tag: number): void {
    if (tag < this.#next || tag > this.#delivered) return;
    const at = this.#runs.findLastIndex(({ first }) => first <= tag);
    const before = this.#runs[at];
    if (before !== undefined && tag <= before.last) return;
    this.#held++;
    const after = this.#runs[at + 1];
    const last = after?.first === tag + 1 && !after.acked ? after.last : tag;
    const joined = last === tag ? 0 : 1;
    if (before?.last === tag - 1 && !before.acked) {
      before.last = last;
      if (joined > 0) this.#runs.splice(at + 1, joined);
    } else {
      this.#runs.splice(at + 1, joined, { first: tag, last, acked: false });
    }
  }

  /** Sends the acks that what was settled since the last time allows, if any. */
  flush(): void {
    let upTo = 0;
    while (this.#runs[0]?.first === this.#next) {
      const { first, last, acked } = this.#runs.shift()!;
      this.#next = last + 1;
      if (acked) continue;
      upTo = last;
      this.#held -= last - first + 1;
    }
    if (upTo > 0) this.#send(upTo, true);
    if (this.#held > this.#maxHeld) this.flushAll();
  }

  /** Acks everything that is settled, one by one beyond the first that is open. */
  flushAll(): void {
    const runs: Run[] = [];
    for (const { first, last, acked } of this.#runs) {
      for (let tag = first; tag <= last && !acked; tag++) this.#send(tag, false);
      const before = runs.at(-1);
      if (before?.last === first - 1) before.last = last;
      else runs.push({ first, last, acked: true });
    }
    this.#runs = runs;
    this.#held = 0;
  }
}
