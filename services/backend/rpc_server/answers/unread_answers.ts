/** The unread part of one response. */
export interface UnreadAnswer {
  /** So many bytes of it are made and not yet sent. Counts as progress when they get fewer. */
  hold(bytes: number): void;
  /** It is sent, or nobody waits for it. */
  close(): void;
}

export interface UnreadOptions {
  /** Bytes that all answers together may hold before those that stall must give way. */
  readonly maxUnreadBytes: number;
  /** Longest that a client may read nothing of its answer, in milliseconds. */
  readonly stalledMs: number;
  /** The same while `maxUnreadBytes` are passed. */
  readonly pressedMs: number;
  /** Milliseconds, ascending. */
  readonly now: () => number;
}

interface Held {
  readonly end: () => void;
  bytes: number;
  /** Of no account while there are no bytes. */
  progressMs: number;
  closed: boolean;
}

/**
 * What clients have asked for and not read. HTTP/2 leaves it to the client when
 * it takes an answer, so that the server keeps it for as long as the client
 * likes; here, answers of which nothing is read for long are ended, the longest
 * ago first.
 */
export class UnreadAnswers {
  readonly #options: UnreadOptions;
  readonly #answers = new Set<Held>();
  #bytes = 0;

  constructor(options: UnreadOptions) {
    this.#options = options;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether so much is unread that no more should be begun. */
  get full(): boolean {
    return this.#bytes >= this.#options.maxUnreadBytes;
  }

  /** @param end Ends the answer, which then calls `close`. */
  open(end: () => void): UnreadAnswer {
    const held: Held = { end, bytes: 0, progressMs: 0, closed: false };
    this.#answers.add(held);
    return {
      hold: (bytes) => {
        if (held.closed) return;
        if (bytes > 0 && (bytes < held.bytes || held.bytes === 0)) {
          held.progressMs = this.#options.now();
        }
        this.#bytes += bytes - held.bytes;
        held.bytes = bytes;
        if (this.full) this.endStalled();
      },
      close: () => {
        this.#bytes -= held.bytes;
        held.bytes = 0;
        held.closed = true;
        this.#answers.delete(held);
      },
    };
  }

  /** Ends the answers that have stalled for too long. */
  endStalled(): void {
    const { stalledMs, pressedMs, now } = this.#options;
    const stalled = [...this.#answers]
      .filter(({ bytes, progressMs }) => bytes > 0 && now() - progressMs >= pressedMs)
      .sort((a, b) => a.progressMs - b.progressMs);
    for (const { end, progressMs } of stalled) {
      if (!this.full && now() - progressMs < stalledMs) return;
      end();
    }
  }
}
