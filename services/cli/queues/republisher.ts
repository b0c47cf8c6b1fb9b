import { Buffer } from "node:buffer";
import type { ConfirmChannel, Options } from "amqplib";
import { PublishError } from "#shared/broker/port/broker.ts";
import type { SingleConnection } from "./connect_once.ts";

/**
 * Publishes messages with properties of the caller's choice, each confirmed.
 * Unlike a `Publisher` it never sends a message again: who has not seen the
 * confirm still has the original.
 */
export class Republisher {
  readonly #channel: ConfirmChannel;
  readonly #lost: Promise<never>;
  #broken: PublishError | undefined;

  private constructor(channel: ConfirmChannel, lost: Promise<never>) {
    this.#channel = channel;
    this.#lost = lost;
    channel.on("error", (error) => this.#break(String(error)));
    channel.on("close", () => this.#break("the channel closed"));
    // A returned message is confirmed all the same, after its return. Which one it
    // was does not matter: its queue is gone, and with it the reason to go on.
    channel.on("return", ({ fields }) => {
      const { routingKey } = fields as { readonly routingKey?: string };
      this.#break(`there is no queue ${routingKey ?? ""} any more`);
    });
  }

  static async open({ connection, lost }: SingleConnection): Promise<Republisher> {
    return new Republisher(await Promise.race([connection.createConfirmChannel(), lost]), lost);
  }

  #break(why: string): void {
    this.#broken ??= new PublishError(`Cannot publish: ${why}`);
  }

  /**
   * Resolves once the broker has confirmed that `queue` has it.
   *
   * @throws {PublishError} when it has not, as far as can be known.
   */
  async publish(queue: string, body: Uint8Array, properties: Options.Publish): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const content = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    const options = { ...properties, persistent: true, mandatory: true };
    this.#channel.publish("", queue, content, options, (error: unknown) => {
      if (error === null && this.#broken === undefined) return resolve();
      const why = error instanceof Error ? error.message : "not confirmed";
      reject(this.#broken ?? new PublishError(`Cannot publish to ${queue}: ${why}`));
    });
    await Promise.race([promise, this.#lost]);
  }
}
