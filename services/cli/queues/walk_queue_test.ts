import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { getLogger } from "@logtape/logtape";
import type { Channel } from "amqplib";
import { declareQueue } from "#shared/broker/amqp/declare_queue.ts";
import { withChannel } from "../../../tests/support/broker_fixture.ts";
import { amqpUrl, uniqueQueue } from "../../../tests/support/rabbitmq.ts";
import { connectOnce, type SingleConnection } from "./connect_once.ts";
import { queueSize } from "./queue_size.ts";
import { walkQueue } from "./walk_queue.ts";

const { signal } = new AbortController();

Deno.test("walkQueue waits for messages that RabbitMQ has sent before it said that none wait", async () => {
  let deliver: (count: number) => void = () => {};
  let asked = 0;
  let tag = 0;
  const acked: number[] = [];
  const channel = {
    on() {},
    prefetch() {},
    consume(_queue: string, onMessage: (message: unknown) => void) {
      deliver = (count) => {
        while (count-- > 0) {
          onMessage({ fields: { deliveryTag: ++tag }, content: Buffer.from(""), properties: {} });
        }
      };
      queueMicrotask(() => deliver(3));
      return Promise.resolve({ consumerTag: "one" });
    },
    // As when it is asked while the other 7 are between the queue and the channel.
    checkQueue: () => {
      if (++asked === 2) deliver(7);
      return Promise.resolve({ messageCount: 0, consumerCount: 1 });
    },
    ack: ({ fields }: { fields: { deliveryTag: number } }) => acked.push(fields.deliveryTag),
    cancel: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  // What a walk uses of a channel.
  const createChannel = () => Promise.resolve(channel as unknown as Channel);
  const link = {
    connection: { createChannel },
    lost: Promise.withResolvers<never>().promise,
  } as Pick<SingleConnection, "lost"> as SingleConnection;
  const walked = await walkQueue({
    link,
    queue: "q",
    maxMessages: 10,
    visit: () => "remove",
    signal,
  });
  assert.deepEqual(walked, { visited: 10, removed: 10, end: "all" });
  assert.equal(acked.length, 10);
});

/** A queue that holds the numbers from 0. */
async function filled(type: "classic" | "quorum", count: number) {
  const queue = uniqueQueue("walk");
  await withChannel(async (channel) => {
    await declareQueue(channel, queue.name, { durable: true, type });
  });
  await using link = await connectOnce(new URL(amqpUrl!), "test", getLogger("walk-test"));
  const channel = await link.connection.createConfirmChannel();
  for (let at = 0; at < count; at++) channel.sendToQueue(queue.name, Buffer.from(String(at)));
  await channel.waitForConfirms();
  return queue;
}

for (const type of ["classic", "quorum"] as const) {
  Deno.test({
    name: `walkQueue leaves messages in their order, there for the next walk, on ${type} queues`,
    ignore: amqpUrl === undefined,
    async fn() {
      const count = 4_000;
      await using queue = await filled(type, count);
      await using link = await connectOnce(new URL(amqpUrl!), "test", getLogger("walk-test"));
      const walk = async (maxMessages: number) => {
        const seen: number[] = [];
        const walked = await walkQueue({
          link,
          queue: queue.name,
          maxMessages,
          visit({ content }) {
            seen.push(Number(content));
            return Number(content) % 4 === 0 ? "remove" : "leave";
          },
          signal,
        });
        return { ...walked, seen };
      };
      const all = Array.from({ length: count }, (_, at) => at);
      const first = await walk(count);
      assert.deepEqual(first, { visited: count, removed: count / 4, end: "all", seen: all });
      const left = all.filter((at) => at % 4 !== 0);
      assert.equal((await queueSize(link, queue.name))?.messages, left.length);
      const second = await walk(count);
      assert.deepEqual(second, { visited: left.length, removed: 0, end: "gone", seen: left });
    },
  });
}
