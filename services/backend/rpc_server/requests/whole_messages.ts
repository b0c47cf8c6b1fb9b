import { Buffer } from "node:buffer";
import { Code, ConnectError } from "@connectrpc/connect";

/** One byte of flags, and the message's length in the next four. */
const envelopeBytes = 5;

/** Whether the messages of a body come in envelopes that say how long each is. */
export function hasEnvelopes(contentType: string | null): boolean {
  return contentType !== null && /^application\/(grpc|connect\+)/i.test(contentType);
}

/**
 * Holds the messages of a body back until each is whole. Connect reserves
 * memory for a message as soon as its envelope says how long it will be: five
 * bytes of a client that sends no more would cost four megabytes.
 */
export class WholeMessages {
  readonly #maxBytes: number;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** Bytes from the start of what is held that make the next step possible. */
  #needed = envelopeBytes;
  #passAll = false;

  /** @param maxBytes Of a message; of a longer one, Connect refuses the envelope. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Takes what has come, and returns what is whole with it; undefined if nothing is. */
  push(chunk: Uint8Array): Uint8Array | undefined {
    if (this.#passAll) return chunk;
    this.#heldBytes += chunk.length;
    if (this.#heldBytes < this.#needed) {
      this.#held.push(chunk);
      return undefined;
    }
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([...this.#held, chunk]);
    const whole = this.#wholeLength(bytes);
    // A copy, so that what is passed on is not kept for the sake of its last bytes.
    const rest = whole === 0 ? bytes : Uint8Array.from(bytes.subarray(whole));
    this.#held = rest.length === 0 ? [] : [rest];
    this.#heldBytes = rest.length;
    return whole === 0 ? undefined : bytes.subarray(0, whole);
  }

  /** @throws {ConnectError} INVALID_ARGUMENT if the body ends within a message. */
  end(): void {
    if (this.#heldBytes === 0) return;
    throw new ConnectError(
      `the request ends within a message: ${this.#heldBytes} of ${this.#needed} bytes of it came`,
      Code.InvalidArgument,
    );
  }

  #wholeLength(bytes: Uint8Array): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let whole = 0;
    this.#needed = envelopeBytes;
    while (bytes.length - whole >= envelopeBytes) {
      const messageBytes = view.getUint32(whole + 1);
      this.#passAll = messageBytes > this.#maxBytes;
      if (this.#passAll) return bytes.length;
      if (bytes.length - whole < envelopeBytes + messageBytes) {
        this.#needed = envelopeBytes + messageBytes;
        return whole;
      }
      whole += envelopeBytes + messageBytes;
    }
    return whole;
  }
}
