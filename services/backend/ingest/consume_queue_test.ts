import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { Registry } from "prom-client";
import { AmqpBroker } from "#shared/broker/amqp/amqp_broker.ts";
import { deadLetterQueue, type OutgoingMessage } from "#shared/broker/port/broker.ts";
import { withChannel } from "../../../tests/support/broker_fixture.ts";
import { amqpUrl, uniqueQueue } from "../../../tests/support/rabbitmq.ts";
import { TcpProxy } from "../../../tests/support/tcp_proxy.ts";
import { surelyBrokenMs, waitUntil } from "../../../tests/support/wait_until.ts";
import { MalformedMessageError } from "../readings/malformed_message_error.ts";
import { consumeQueue } from "./consume_queue.ts";
import { createIngestMetrics } from "./ingest_metrics.ts";
import type { MessageKind } from "./message_kind.ts";

const log = getLogger("consume-queue-test");

const kind: MessageKind<never> = {
  decode() {
    throw new MalformedMessageError("undecodable", "as the test wants it");
  },
  write: () => Promise.resolve(),
};

for (const type of ["classic", "quorum"] as const) {
  Deno.test({
    name: `consumeQueue keeps one letter of a message whose ack was lost, on ${type} queues`,
    ignore: amqpUrl === undefined,
    async fn() {
      await using proxy = await TcpProxy.open(new URL(amqpUrl!));
      await using queue = uniqueQueue("consume");
      const { signal } = new AbortController();
      const brokerAt = (url: URL) =>
        new AmqpBroker({
          url,
          queues: { durable: true, type },
          log,
          signal,
          answerMs: surelyBrokenMs,
        });
      const dead = deadLetterQueue(queue.name);
      await using direct = brokerAt(new URL(amqpUrl!));
      const publisher = await direct.openPublisher({
        queues: [queue.name, dead],
        maxUnconfirmed: 10,
      });
      await using broken = brokerAt(proxy.url);
      const metrics = createIngestMetrics(new Registry());
      let confirmed = 0;
      {
        await using _consuming = await consumeQueue<never>(kind, {
          broker: broken,
          deadLetters: {
            async publish(to: string, message: OutgoingMessage) {
              await publisher.publish(to, message);
              if (++confirmed === 1) proxy.cut();
            },
          },
          prefetch: 10,
          queue: queue.name,
          nowMs: () => 0,
          maxRows: 10,
          maxWaitMs: 1,
          writers: 1,
          metrics,
          log,
        });
        await publisher.publish(queue.name, { body: new Uint8Array([1, 2, 3]) });
        await waitUntil(async () => (await metrics.received.get()).values[0]?.value === 2, {
          what: "the message to come again",
        });
      }
      // What it still had in hand would have gone back.
      const waiting = (name: string) =>
        withChannel(async (channel) => (await channel.checkQueue(name)).messageCount);
      assert.equal(await waiting(dead), 1);
      assert.equal(await waiting(queue.name), 0);
    },
  });
}
