import assert from "node:assert/strict";
import { text } from "../../../tests/support/broker_fixture.ts";
import { type Delivery, PublishError } from "../port/broker.ts";
import { MemoryBroker } from "./memory_broker.ts";
import { MemoryQueues } from "./memory_queues.ts";

const capacity = 100_000;
const classic = { durable: true, type: "classic" } as const;

/** A publisher whose queue is full, with one more message on its way. */
async function overfull() {
  const queues = new MemoryQueues();
  const broker = new MemoryBroker(queues, classic);
  const publisher = await broker.openPublisher({ queues: ["q"], maxUnconfirmed: 1 });
  const message = text("x");
  for (let i = 0; i < capacity; i++) publisher.publish("q", message);
  while (publisher.unconfirmed > 0) await Promise.resolve();
  const late = publisher.publish("q", message);
  // Whatever could confirm it has run once this one, put off later, has.
  await new Promise(setImmediate);
  assert.equal(publisher.unconfirmed, 1);
  return { broker, publisher, late };
}

Deno.test("MemoryQueue confirms no more than its capacity, until a consumer takes some", async () => {
  const { broker, publisher, late } = await overfull();
  const room = publisher.room();
  const deliveries: Delivery[] = [];
  await broker.subscribe({
    queue: "q",
    prefetch: 1,
    onDelivery: (delivery) => deliveries.push(delivery),
  });
  await late;
  await room;
  assert.equal(publisher.unconfirmed, 0);
  assert.equal(deliveries.length, 1);
});

Deno.test("MemoryPublisher fails what waits for its confirm when it closes", async () => {
  const { publisher, late } = await overfull();
  const refused = assert.rejects(late, PublishError);
  const room = publisher.room();
  await publisher[Symbol.asyncDispose]();
  await refused;
  await room;
});

Deno.test("MemoryQueues awaits only what has a consumer", async () => {
  const queues = new MemoryQueues();
  const broker = new MemoryBroker(queues, classic);
  const publisher = await broker.openPublisher({ queues: ["q", "q.dead"], maxUnconfirmed: 10 });
  await publisher.publish("q.dead", text("x"));
  assert.equal(queues.awaited, 0);
  const subscription = await broker.subscribe({ queue: "q", prefetch: 1, onDelivery() {} });
  await publisher.publish("q", text("in hand"));
  await publisher.publish("q", text("waits"));
  assert.equal(queues.awaited, 1);
  await subscription.cancel();
  assert.equal(queues.awaited, 0);
});
