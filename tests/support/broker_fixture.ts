import { getLogger } from "@logtape/logtape";
import { connect } from "amqplib";
import { AmqpBroker } from "#shared/broker/amqp/amqp_broker.ts";
import { MemoryBroker } from "#shared/broker/memory/memory_broker.ts";
import { MemoryQueues } from "#shared/broker/memory/memory_queues.ts";
import type { Broker, Delivery, QueueOptions } from "#shared/broker/port/broker.ts";
import { amqpUrl, uniqueQueue } from "./rabbitmq.ts";
import { surelyBrokenMs, waitUntil } from "./wait_until.ts";

/** How queues are declared unless a test says otherwise. */
export const classic: QueueOptions = { durable: true, type: "classic" };

/** A queue of its own behind one of the drivers, for one test. */
export interface BrokerFixture extends AsyncDisposable {
  readonly queue: string;
  /** A broker of the driver; closed with the fixture. */
  broker(options?: QueueOptions): Broker;
  /** Messages in the queue that no consumer has in hand. */
  waiting(): Promise<number>;
}

export function memoryFixture(): BrokerFixture {
  const queues = new MemoryQueues();
  const open = new AsyncDisposableStack();
  let declared = classic;
  return {
    queue: "memory",
    broker(options = classic) {
      declared = options;
      return open.use(new MemoryBroker(queues, options));
    },
    waiting: () => Promise.resolve(queues.declare("memory", declared).length),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** @param url other than RabbitMQ's own, such as that of a proxy before it. */
export function amqpFixture(url: URL = new URL(amqpUrl!)): BrokerFixture {
  const open = new AsyncDisposableStack();
  const queue = open.use(uniqueQueue("broker")).name;
  return {
    queue,
    broker: (queues = classic) =>
      open.use(
        new AmqpBroker({
          url,
          queues,
          log: getLogger("broker-test"),
          signal: new AbortController().signal,
          answerMs: surelyBrokenMs,
        }),
      ),
    waiting: () => withChannel(async (channel) => (await channel.checkQueue(queue)).messageCount),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

type AmqpChannel = Awaited<ReturnType<Awaited<ReturnType<typeof connect>>["createChannel"]>>;

/** Runs `use` with a channel straight to RabbitMQ. */
export async function withChannel<Result>(
  use: (channel: AmqpChannel) => Promise<Result>,
): Promise<Result> {
  const connection = await connect(amqpUrl!);
  try {
    const channel = await connection.createChannel();
    channel.on("error", () => {});
    return await use(channel);
  } finally {
    await connection.close();
  }
}

/** Takes what a subscription delivers, and acks nothing by itself. */
export class Taker {
  readonly deliveries: Delivery[] = [];
  readonly onDelivery = (delivery: Delivery): void => {
    this.deliveries.push(delivery);
  };

  get texts(): readonly string[] {
    return this.deliveries.map(({ body }) => new TextDecoder().decode(body));
  }

  /** Resolves once that many were delivered. */
  async took(count: number): Promise<void> {
    await waitUntil(() => this.deliveries.length >= count, {
      what: `${count} deliveries`,
    });
  }
}

export function text(content: string): { readonly body: Uint8Array } {
  return { body: new TextEncoder().encode(content) };
}
