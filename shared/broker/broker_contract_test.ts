import assert from "node:assert/strict";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import {
  amqpFixture,
  type BrokerFixture,
  memoryFixture,
  Taker,
  text,
} from "../../tests/support/broker_fixture.ts";
import { amqpUrl } from "../../tests/support/rabbitmq.ts";
import { waitUntil } from "../../tests/support/wait_until.ts";
import { type Delivery, PublishError } from "./port/broker.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, i) => String(i));

/** Runs the test against both drivers. */
function contract(name: string, run: (fixture: BrokerFixture) => Promise<void>): void {
  const test = async (open: () => BrokerFixture) => {
    await using fixture = open();
    await run(fixture);
  };
  Deno.test(`MemoryBroker ${name}`, () => test(memoryFixture));
  Deno.test({
    name: `AmqpBroker ${name}`,
    ignore: amqpUrl === undefined,
    fn: () => test(() => amqpFixture()),
  });
}

/** Publishes texts in order and awaits their confirms. */
async function publishAll({ queue, broker }: BrokerFixture, texts: readonly string[]) {
  const publisher = await broker().openPublisher({ queues: [queue], maxUnconfirmed: 1_000 });
  await Promise.all(texts.map((content) => publisher.publish(queue, text(content))));
  await publisher[Symbol.asyncDispose]();
}

async function subscribe({ queue, broker }: BrokerFixture, prefetch: number) {
  const taker = new Taker();
  const { onDelivery } = taker;
  const subscription = await broker().subscribe({ queue, prefetch, onDelivery });
  return { taker, subscription };
}

async function becomes(fixture: BrokerFixture, waiting: number): Promise<void> {
  await waitUntil(async () => await fixture.waiting() === waiting, {
    what: `${waiting} messages to wait in the queue`,
  });
}

contract("confirms a message that is in the queue", async (fixture) => {
  await publishAll(fixture, ["a", "b"]);
  await becomes(fixture, 2);
});

contract("delivers bodies, headers and content type as they were sent", async (fixture) => {
  const { queue } = fixture;
  const large = new Uint8Array(1_048_576).map((_, i) => i * 31 + (i >> 8));
  const binary = Uint8Array.from({ length: 256 }, (_, i) => i);
  const headers = { "x-reason": "größer", count: 3, flag: true, nested: { list: ["a", 1] } };
  const publisher = await fixture.broker().openPublisher({ queues: [queue], maxUnconfirmed: 10 });
  await publisher.publish(queue, { body: new Uint8Array() });
  await publisher.publish(queue, { body: binary, headers, contentType: "text/plain" });
  await publisher.publish(queue, { body: large });

  const { taker } = await subscribe(fixture, 10);
  await taker.took(3);
  const [first, second, third] = taker.deliveries;
  assert.equal(first!.body.length, 0);
  assert.deepEqual(first!.headers, {});
  assert.equal(first!.contentType, "application/protobuf");
  assert.deepEqual(new Uint8Array(second!.body), binary);
  assert.deepEqual({ ...second!.headers }, headers);
  assert.equal(second!.contentType, "text/plain");
  assert.deepEqual(new Uint8Array(third!.body), large);
  assert(taker.deliveries.every(({ redelivered }) => !redelivered));
});

contract("has its own copy of a confirmed body", async (fixture) => {
  const { queue } = fixture;
  const publisher = await fixture.broker().openPublisher({ queues: [queue], maxUnconfirmed: 10 });
  const { body } = text("first");
  await publisher.publish(queue, { body });
  body.fill(0);
  const { taker } = await subscribe(fixture, 10);
  await taker.took(1);
  assert.deepEqual(taker.texts, ["first"]);
});

contract("keeps the order of one publisher", async (fixture) => {
  await publishAll(fixture, numbers(2_000));
  const { taker } = await subscribe(fixture, 5_000);
  await taker.took(2_000);
  assert.deepEqual(taker.texts, numbers(2_000));
});

contract("has no more deliveries in hand than the prefetch", async (fixture) => {
  await publishAll(fixture, numbers(40));
  const { taker, subscription } = await subscribe(fixture, 5);
  await taker.took(5);
  await becomes(fixture, 35);
  for (let acked = 0; acked < 40;) {
    assert(taker.deliveries.length - acked <= 5, "more in hand than the prefetch");
    const next = taker.deliveries.slice(acked, acked + 2);
    subscription.ack(next);
    acked += next.length;
    await taker.took(Math.min(40, acked + 5));
  }
  assert.deepEqual(taker.texts, numbers(40));
});

contract("acks in any order, for good", async (fixture) => {
  await publishAll(fixture, numbers(6));
  const { taker, subscription } = await subscribe(fixture, 100);
  await taker.took(6);
  const [, b, c, d, , f] = taker.deliveries as [
    Delivery,
    Delivery,
    Delivery,
    Delivery,
    Delivery,
    Delivery,
  ];
  subscription.ack([f]);
  subscription.ack([c, b]);
  subscription.ack([d, d, c]);
  await subscription[Symbol.asyncDispose]();
  await becomes(fixture, 2);
  const again = await subscribe(fixture, 100);
  await again.taker.took(2);
  assert.deepEqual(again.taker.texts, ["0", "4"]);
});

contract("goes on past a delivery that stays open", async (fixture) => {
  await publishAll(fixture, numbers(200));
  const { taker, subscription } = await subscribe(fixture, 10);
  for (let acked = 1; acked < 200;) {
    await taker.took(acked + 1);
    const next = taker.deliveries.slice(acked);
    subscription.ack(next);
    acked += next.length;
  }
  subscription.ack(taker.deliveries);
  await subscription[Symbol.asyncDispose]();
  await becomes(fixture, 0);
});

contract("delivers again what was not acked, in order", async (fixture) => {
  await publishAll(fixture, numbers(5));
  const { taker, subscription } = await subscribe(fixture, 3);
  await taker.took(3);
  await subscription[Symbol.asyncDispose]();
  await becomes(fixture, 5);
  const again = await subscribe(fixture, 10);
  await again.taker.took(5);
  assert.deepEqual(again.taker.texts, numbers(5));
  const redelivered = again.taker.deliveries.map((delivery) => delivery.redelivered);
  assert.deepEqual(redelivered, [true, true, true, false, false]);
});

contract(
  "delivers nothing more once cancelled, and takes acks of those in hand",
  async (fixture) => {
    await publishAll(fixture, numbers(3));
    const { taker, subscription } = await subscribe(fixture, 10);
    await taker.took(3);
    await subscription.cancel();
    await subscription.cancel();
    await publishAll(fixture, ["late"]);
    await becomes(fixture, 1);
    assert.deepEqual(taker.texts, numbers(3));
    subscription.ack(taker.deliveries.slice(1));
    await subscription[Symbol.asyncDispose]();
    const again = await subscribe(fixture, 10);
    await again.taker.took(2);
    assert.deepEqual(again.taker.texts, ["0", "late"]);
  },
);

contract("keeps what arrives between cancel and dispose", async (fixture) => {
  const { taker, subscription } = await subscribe(fixture, 10_000);
  const published = publishAll(fixture, numbers(2_000));
  await taker.took(1);
  const cancelled = subscription.cancel();
  const inHand = taker.deliveries.length;
  await cancelled;
  assert.equal(taker.deliveries.length, inHand, "delivered after cancel was called");
  subscription.ack(taker.deliveries);
  await subscription[Symbol.asyncDispose]();
  await published;
  await becomes(fixture, 2_000 - inHand);
});

contract("shares a queue among its consumers", async (fixture) => {
  const consumers = [await subscribe(fixture, 2), await subscribe(fixture, 2)];
  await publishAll(fixture, numbers(4));
  for (const { taker } of consumers) await taker.took(2);
  const all = consumers.flatMap(({ taker }) => taker.texts);
  assert.deepEqual(all.toSorted(), numbers(4));
});

contract("refuses to publish to a queue that it was not opened for", async (fixture) => {
  const options = { queues: [fixture.queue], maxUnconfirmed: 10 };
  const publisher = await fixture.broker().openPublisher(options);
  await assert.rejects(publisher.publish("elsewhere", text("x")), PublishError);
  assert.equal(publisher.unconfirmed, 0);
});

contract("has room while fewer than the window are unconfirmed", async (fixture) => {
  const { queue } = fixture;
  const publisher = await fixture.broker().openPublisher({ queues: [queue], maxUnconfirmed: 2 });
  await publisher.room();
  const sent = [publisher.publish(queue, text("0")), publisher.publish(queue, text("1"))];
  assert.equal(publisher.unconfirmed, 2);
  await publisher.room();
  assert(publisher.unconfirmed < 2, "room without a confirm");
  await Promise.all(sent);
  assert.equal(publisher.unconfirmed, 0);
});

contract("refuses a queue that is durable where it should not be", async (fixture) => {
  await publishAll(fixture, ["kept"]);
  const other = fixture.broker({ durable: false, type: "classic" });
  const expected = (error: unknown) =>
    error instanceof ExitError && error.message.includes(fixture.queue) &&
    /exists with durable = true; set queue_durable to true, or delete/.test(error.message);
  const { queue } = fixture;
  await assert.rejects(other.openPublisher({ queues: [queue], maxUnconfirmed: 1 }), expected);
  await assert.rejects(other.subscribe({ queue, prefetch: 1, onDelivery() {} }), expected);
});

contract("refuses a queue of another type, whichever of the two it is", async (fixture) => {
  const { queue } = fixture;
  const first = fixture.broker({ durable: true, type: "quorum" });
  const publisher = await first.openPublisher({ queues: [queue], maxUnconfirmed: 1 });
  await publisher.publish(queue, text("kept"));
  await assert.rejects(
    fixture.broker().openPublisher({ queues: [queue], maxUnconfirmed: 1 }),
    /exists with x-queue-type = quorum; set queue_type to quorum/,
  );
});

contract("refuses a classic queue where a quorum queue is wanted", async (fixture) => {
  const { queue } = fixture;
  await publishAll(fixture, ["kept"]);
  const other = fixture.broker({ durable: true, type: "quorum" });
  await assert.rejects(
    other.subscribe({ queue, prefetch: 1, onDelivery() {} }),
    /exists with x-queue-type = classic; set queue_type to classic/,
  );
});

contract("carries messages over a quorum queue", async (fixture) => {
  const { queue } = fixture;
  const broker = fixture.broker({ durable: true, type: "quorum" });
  const publisher = await broker.openPublisher({ queues: [queue], maxUnconfirmed: 100 });
  await Promise.all(numbers(100).map((content) => publisher.publish(queue, text(content))));
  const taker = new Taker();
  const subscription = await broker.subscribe({
    queue,
    prefetch: 100,
    onDelivery: taker.onDelivery,
  });
  await taker.took(100);
  assert.deepEqual(taker.texts, numbers(100));
  subscription.ack(taker.deliveries);
  await subscription[Symbol.asyncDispose]();
  await becomes(fixture, 0);
});

contract("is ready once it serves", async (fixture) => {
  const broker = fixture.broker();
  await broker.openPublisher({ queues: [fixture.queue], maxUnconfirmed: 1 });
  await broker.subscribe({ queue: fixture.queue, prefetch: 1, onDelivery() {} });
  assert(broker.ready);
});

contract("closes its publishers and subscriptions, and may be closed twice", async (fixture) => {
  const { queue } = fixture;
  const broker = fixture.broker();
  const publisher = await broker.openPublisher({ queues: [queue], maxUnconfirmed: 1 });
  const taker = new Taker();
  const subscription = await broker.subscribe({
    queue,
    prefetch: 10,
    onDelivery: taker.onDelivery,
  });
  await publisher.publish(queue, text("unacked"));
  await taker.took(1);
  await Promise.all([broker[Symbol.asyncDispose](), broker[Symbol.asyncDispose]()]);
  await becomes(fixture, 1);
  await assert.rejects(publisher.publish(queue, text("late")), PublishError);
  await publisher.room();
  subscription.ack(taker.deliveries);
  await subscription[Symbol.asyncDispose]();
  await publisher[Symbol.asyncDispose]();
  await becomes(fixture, 1);
});

contract("settles a publish that is pending when the publisher closes", async (fixture) => {
  const { queue } = fixture;
  const publisher = await fixture.broker().openPublisher({ queues: [queue], maxUnconfirmed: 1 });
  const pending = numbers(50).map((content) => publisher.publish(queue, text(content)));
  const settling = Promise.allSettled(pending);
  await publisher[Symbol.asyncDispose]();
  for (const outcome of await settling) {
    if (outcome.status === "rejected") assert(outcome.reason instanceof PublishError);
  }
  assert.equal(publisher.unconfirmed, 0);
});
