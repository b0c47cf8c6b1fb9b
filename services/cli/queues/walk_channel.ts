import type { Channel, ConsumeMessage } from "amqplib";
import type { SingleConnection } from "./connect_once.ts";

/** What becomes of a message that a walk has come to. */
export type Verdict = "leave" | "remove";

/** A message as the walk finds it. */
export type WalkedMessage = Pick<ConsumeMessage, "content" | "properties">;

export interface WalkChannelOptions {
  readonly queue: string;
  /** Messages that it may have in hand, from 1. */
  readonly maxInHand: number;
  /** Called in the order of the queue; `settle` is to be called with the verdict. */
  readonly onMessage: (message: WalkedMessage, settle: (verdict: Verdict) => void) => void;
  readonly onFailure: (error: unknown) => void;
}

/**
 * One channel of a walk: takes messages while there is room for what it was told
 * to leave alone, which it holds until `giveBack`.
 */
export class WalkChannel {
  readonly #channel: Channel;
  readonly #options: WalkChannelOptions;
  #consumerTag: string | undefined;
  #left = 0;
  #givingBack = false;

  private constructor(channel: Channel, options: WalkChannelOptions) {
    this.#channel = channel;
    this.#options = options;
    const fail = (error: unknown) => {
      if (!this.#givingBack) options.onFailure(error);
    };
    channel.on("error", fail);
    channel.on("close", () => fail(new Error("the channel closed")));
  }

  static async open(
    { connection }: Pick<SingleConnection, "connection">,
    options: WalkChannelOptions,
  ): Promise<WalkChannel> {
    const opened = new WalkChannel(await connection.createChannel(), options);
    await opened.#start();
    return opened;
  }

  /** Whether all that it may have in hand was left alone. */
  get full(): boolean {
    return this.#left === this.#options.maxInHand;
  }

  async #start(): Promise<void> {
    const { queue, maxInHand, onMessage, onFailure } = this.#options;
    await this.#channel.prefetch(maxInHand);
    const { consumerTag } = await this.#channel.consume(queue, (message) => {
      if (message === null) return onFailure(new Error(`queue ${queue} was deleted`));
      const { fields: { deliveryTag }, content, properties } = message;
      onMessage({ content, properties }, (verdict) => this.#settle(deliveryTag, verdict));
    });
    this.#consumerTag = consumerTag;
  }

  #settle(deliveryTag: number, verdict: Verdict): void {
    if (verdict === "leave") this.#left++;
    // All that amqplib reads of the message, whose body need not be kept.
    else this.#channel.ack({ fields: { deliveryTag } } as ConsumeMessage);
  }

  /** Messages that no consumer has in hand. What was sent to this channel before has arrived. */
  async waiting(): Promise<number> {
    const { queue } = this.#options;
    const { messageCount } = await this.#channel.checkQueue(queue);
    // RabbitMQ answers ahead of messages that are on their way from the queue to the channel.
    await this.#channel.checkQueue(queue);
    return messageCount;
  }

  /** Takes no more messages. */
  async stop(): Promise<void> {
    if (this.#consumerTag === undefined) return;
    await this.#channel.cancel(this.#consumerTag);
    this.#consumerTag = undefined;
  }

  /**
   * Resolves once what was removed is gone, and the others are on their way back:
   * in their order, as they would not be in a quorum queue after a nack of all.
   */
  async giveBack(): Promise<void> {
    this.#givingBack = true;
    await this.stop();
    await this.#channel.close();
  }
}
