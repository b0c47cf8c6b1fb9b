/** How a channel acks: one delivery tag, or with `multiple` all up to it. */
export type SendAck = (tag: number, multiple: boolean) => void;

/**
 * The deliveries of one channel that are not acked. Acks in any order become
 * one `multiple` ack for all up to the first that is still open: several times
 * cheaper for the broker than an ack a message. Those beyond it are held back,
 * up to `maxHeld`, so that one that stays open does not use up the prefetch.
 */
export class AckWindow {
  readonly #send: SendAck;
  readonly #maxHeld: number;
  /** Tags in the order of delivery, which is ascending. */
  readonly #open = new Set<number>();
  /** Tags that are settled and not acked. */
  readonly #held = new Set<number>();

  constructor(send: SendAck, maxHeld: number) {
    this.#send = send;
    this.#maxHeld = maxHeld;
  }

  deliver(tag: number): void {
    this.#open.add(tag);
  }

  /** A tag that is settled already is passed over. */
  settle(tag: number): void {
    if (this.#open.delete(tag)) this.#held.add(tag);
  }

  /** Sends the acks that what was settled since the last time allows, if any. */
  flush(): void {
    const [firstOpen = Infinity] = this.#open;
    let upTo = 0;
    for (const tag of this.#held) {
      if (tag > firstOpen) continue;
      this.#held.delete(tag);
      upTo = Math.max(upTo, tag);
    }
    if (upTo > 0) this.#send(upTo, true);
    if (this.#held.size > this.#maxHeld) this.flushAll();
  }

  /** Acks everything that is settled, one by one beyond the first that is open. */
  flushAll(): void {
    const held = [...this.#held];
    this.#held.clear();
    for (const tag of held) this.#send(tag, false);
  }
}
