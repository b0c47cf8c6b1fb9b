import type { Broker, Publisher, QueueOptions, Subscription } from "./broker.ts";
import type { Logger } from "@logtape/logtape";

export class AmqpBroker implements Broker {
  readonly ready = false;
  constructor(_options: { url: URL; queues: QueueOptions; log: Logger; signal: AbortSignal }) {}
  openPublisher(): Promise<Publisher> {
    throw new Error();
  }
  subscribe(): Promise<Subscription> {
    throw new Error();
  }
  async [Symbol.asyncDispose]() {}
}
