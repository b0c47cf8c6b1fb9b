import type { Logger } from "@logtape/logtape";
import { MalformedMessageError } from "../../readings/malformed_message_error.ts";

type Decode<Row> = (body: Uint8Array, nowMs: number) => Row;

/**
 * Notices that most messages are of the future: a clock of a device may be
 * fast, but where those of most are, it is rather the clocks here that are slow.
 */
export class FutureWatch {
  readonly #log: Logger;
  #ofFuture = 0;
  #others = 0;
  #firstDetail = "";

  constructor(log: Logger) {
    this.#log = log;
  }

  /** The same decoder, of which is counted what it makes of messages. */
  over<Row>(decode: Decode<Row>): Decode<Row> {
    return (body, nowMs) => {
      try {
        const row = decode(body, nowMs);
        this.#others++;
        return row;
      } catch (error) {
        if (error instanceof MalformedMessageError && error.reason === "from_future") {
          if (this.#ofFuture++ === 0) this.#firstDetail = error.message;
        }
        throw error;
      }
    };
  }

  /** Says so if most that came since the last look was of the future. */
  look(): void {
    if (this.#ofFuture > this.#others) {
      this.#log.warning(
        "Most messages are of the future: are the clocks here slow? They are kept as dead letters",
        { ofFuture: this.#ofFuture, others: this.#others, firstDetail: this.#firstDetail },
      );
    }
    this.#ofFuture = this.#others = 0;
  }
}
