import type { Socket } from "node:net";
import type { ChannelModel } from "amqplib";

/**
 * Stops reading from a connection while too many message bytes are in hand, so
 * that the rest stays with the broker.
 */
export class ReadGate {
  readonly #stream: Pick<Socket, "read" | "emit">;
  readonly #mostBytes: number;
  #bytes = 0;
  #closed = false;

  constructor(connection: Pick<ChannelModel, "connection">, mostBytes: number) {
    // Not in the types: what amqplib reads from whenever it says that there is something.
    this.#stream = (connection.connection as unknown as { readonly stream: Socket }).stream;
    this.#mostBytes = mostBytes;
  }

  /** Counts bytes that came. */
  take(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < this.#mostBytes || this.#closed) return;
    this.#closed = true;
    this.#stream.read = () => null;
  }

  /** Counts bytes that are no longer in hand. */
  settle(bytes: number): void {
    this.#bytes -= bytes;
    if (this.#closed && this.#bytes <= this.#mostBytes / 2) this.open();
  }

  /** Reads on. */
  open(): void {
    if (!this.#closed) return;
    this.#closed = false;
    delete (this.#stream as Partial<Socket>).read;
    this.#stream.emit("readable");
  }
}
