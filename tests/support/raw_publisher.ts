import { Buffer } from "node:buffer";
import { type ChannelModel, type ConfirmChannel, connect } from "amqplib";

export interface RawMessage {
  readonly queue: string;
  readonly body: Uint8Array;
  readonly headers?: Readonly<Record<string, unknown>>;
}

/** Messages sent before their confirms are waited for. */
const windowMessages = 1_000;

/** A producer that no one here wrote: amqplib and confirms, nothing else. */
export class RawPublisher implements AsyncDisposable {
  readonly #connection: ChannelModel;
  readonly #channel: ConfirmChannel;

  private constructor(connection: ChannelModel, channel: ConfirmChannel) {
    this.#connection = connection;
    this.#channel = channel;
  }

  static async open(url: string): Promise<RawPublisher> {
    const connection = await connect(url);
    return new RawPublisher(connection, await connection.createConfirmChannel());
  }

  /** Resolves once the broker has confirmed all of them. */
  async publish(messages: Iterable<RawMessage>): Promise<void> {
    let sent = 0;
    for (const { queue, body, headers = {} } of messages) {
      this.#channel.sendToQueue(queue, Buffer.from(body), { persistent: true, headers });
      if (++sent % windowMessages === 0) await this.#channel.waitForConfirms();
    }
    await this.#channel.waitForConfirms();
  }

  /** Takes every message that waits in the queue, and hands over each. */
  async takeAll(
    queue: string,
    onMessage: (body: Uint8Array, headers: Readonly<Record<string, unknown>>) => void,
  ): Promise<void> {
    for (;;) {
      const message = await this.#channel.get(queue, { noAck: true });
      if (message === false) return;
      onMessage(message.content, message.properties.headers ?? {});
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }
}
