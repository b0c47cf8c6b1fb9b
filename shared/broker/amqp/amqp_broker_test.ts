import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { amqpFixture, Taker, text, withChannel } from "../../../tests/support/broker_fixture.ts";
import { amqpUrl, uniqueQueue } from "../../../tests/support/rabbitmq.ts";
import { TcpProxy } from "../../../tests/support/tcp_proxy.ts";
import { inTime, surelyBrokenMs, waitUntil } from "../../../tests/support/wait_until.ts";
import { ExitError } from "../../lifecycle/exit_error.ts";
import { type Delivery, type Publisher, PublishError } from "../port/broker.ts";
import { AmqpBroker } from "./amqp_broker.ts";
import { AmqpLink } from "./amqp_link.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, i) => String(i));

interface ProxyOptions {
  /** Parameters of the broker's URL. */
  readonly query?: string;
  readonly answerMs?: number;
}

/** A test of the driver behind a connection that breaks. */
function behindProxy(
  name: string,
  run: (test: { proxy: TcpProxy; queue: string; broker: AmqpBroker }) => Promise<void>,
  { query = "", answerMs = surelyBrokenMs }: ProxyOptions = {},
): void {
  Deno.test({
    name: `AmqpBroker ${name}`,
    ignore: amqpUrl === undefined,
    async fn() {
      await using proxy = await TcpProxy.open(new URL(amqpUrl!));
      await using queue = uniqueQueue("proxy");
      const url = proxy.url;
      url.search = query;
      await using broker = brokerAt(url, { answerMs });
      await run({ proxy, queue: queue.name, broker });
    },
  });
}

function brokerAt(
  url: URL,
  { signal = new AbortController().signal, answerMs = surelyBrokenMs }: {
    readonly signal?: AbortSignal;
    readonly answerMs?: number;
  } = {},
): AmqpBroker {
  const queues = { durable: true, type: "classic" } as const;
  return new AmqpBroker({ url, queues, signal, answerMs, log: getLogger("broker-test") });
}

const waitFor = (what: string, condition: () => boolean | Promise<boolean>) =>
  waitUntil(condition, { what });

/** Distinct bodies in the queue, which is emptied. */
async function drain(queue: string): Promise<ReadonlySet<string>> {
  return await withChannel(async (channel) => {
    const found = new Set<string>();
    for (;;) {
      const message = await channel.get(queue, { noAck: true });
      if (message === false) return found;
      found.add(message.content.toString());
    }
  });
}

behindProxy("sends again what no confirm came for, and loses none", async (test) => {
  const { proxy, queue, broker } = test;
  const publisher = await broker.openPublisher({ queues: [queue], maxUnconfirmed: 200 });
  const confirms: Promise<void>[] = [];
  for (let i = 0; i < 6_000; i++) {
    if (publisher.unconfirmed >= 200) await publisher.room();
    confirms.push(publisher.publish(queue, text(String(i))));
    if (i % 1_500 === 1_000) proxy.cut();
  }
  await Promise.all(confirms);
  assert.equal(publisher.unconfirmed, 0);
  assert(proxy.accepted >= 4, "the connection was cut");
  assert.equal((await drain(queue)).size, 6_000);
});

behindProxy("goes on consuming after a cut, and passes over acks of before", async (test) => {
  const { proxy, queue, broker } = test;
  const publisher = await brokerAt(new URL(amqpUrl!)).openPublisher({
    queues: [queue],
    maxUnconfirmed: 100,
  });
  const taker = new Taker();
  const { onDelivery } = taker;
  const subscription = await broker.subscribe({ queue, prefetch: 10, onDelivery });
  await Promise.all(numbers(10).map((content) => publisher.publish(queue, text(content))));
  await taker.took(10);
  const before = taker.deliveries.slice();
  proxy.cut();
  await taker.took(20);
  assert.deepEqual(taker.texts.slice(10), numbers(10));
  assert(taker.deliveries.slice(10).every(({ redelivered }) => redelivered));

  // Were these taken for the new channel's, the broker would think all ten acked.
  subscription.ack(before);
  subscription.ack(taker.deliveries.slice(10, 13));
  await publisher.publish(queue, text("new"));
  await taker.took(21);
  assert.equal(taker.texts[20], "new");
  await publisher[Symbol.asyncDispose]();
  await subscription[Symbol.asyncDispose]();
  assert.deepEqual([...await drain(queue)], ["3", "4", "5", "6", "7", "8", "9", "new"]);
});

behindProxy("says that deliveries are void before they come again", async (test) => {
  const { proxy, queue, broker } = test;
  const publisher = await broker.openPublisher({ queues: [queue], maxUnconfirmed: 100 });
  const seen: string[] = [];
  await broker.subscribe({
    queue,
    prefetch: 10,
    onDelivery: ({ body }) => seen.push(new TextDecoder().decode(body)),
    onLost: () => seen.push("lost"),
  });
  await Promise.all(["a", "b"].map((content) => publisher.publish(queue, text(content))));
  await waitFor("both", () => seen.length === 2);
  proxy.cut();
  await waitFor("both again", () => seen.length === 5);
  assert.deepEqual(seen, ["a", "b", "lost", "a", "b"]);
});

Deno.test({
  name: "AmqpBroker leaves large messages with the broker until those in hand are settled",
  ignore: amqpUrl === undefined,
  async fn() {
    const [count, size] = [60, 2 * 2 ** 20];
    await using queue = uniqueQueue("large");
    await using broker = brokerAt(new URL(amqpUrl!));
    const publisher = await broker.openPublisher({ queues: [queue.name], maxUnconfirmed: 100 });
    for (let at = 0; at < count; at++) {
      await publisher.publish(queue.name, { body: new Uint8Array(size).fill(at) });
    }
    const inHand: Delivery[] = [];
    const taken: (number | undefined)[] = [];
    const subscription = await broker.subscribe({
      queue: queue.name,
      prefetch: 1_000,
      onDelivery(delivery) {
        inHand.push(delivery);
        taken.push(delivery.body[0]);
      },
    });
    for (let settled = 0; settled < count; settled += 8) {
      const most = Math.min(count - settled, 16);
      await waitFor("as many as may be in hand", () => inHand.length >= most);
      // Time for more to come, were they read.
      await publisher.publish(queue.name, { body: new Uint8Array(size).fill(255) });
      assert.ok(inHand.length <= 16, `${inHand.length} in hand`);
      subscription.ack(inHand.splice(0, 8));
    }
    assert.deepEqual(taken.slice(0, count), Array.from({ length: count }, (_, at) => at));
  },
});

behindProxy("consumes on when its queue is deleted", async ({ queue, broker }) => {
  const taker = new Taker();
  await broker.subscribe({ queue, prefetch: 10, onDelivery: taker.onDelivery });
  await withChannel((channel) => channel.deleteQueue(queue));
  const publisher = await broker.openPublisher({ queues: [queue], maxUnconfirmed: 10 });
  await publisher.publish(queue, text("after"));
  await taker.took(1);
  assert.deepEqual(taker.texts, ["after"]);
});

behindProxy("declares a queue again that was deleted, and sends again", async (test) => {
  const { queue, broker, proxy } = test;
  const publisher = await broker.openPublisher({ queues: [queue], maxUnconfirmed: 200 });
  await withChannel((channel) => channel.deleteQueue(queue));
  await Promise.all(numbers(100).map((content) => publisher.publish(queue, text(content))));
  assert.equal(proxy.accepted, 1, "it needed no new connection");
  assert.equal((await drain(queue)).size, 100);
});

behindProxy("sends a returned message once more when a cut comes between", async (test) => {
  const { queue, broker, proxy } = test;
  const publisher = await broker.openPublisher({ queues: [queue], maxUnconfirmed: 200 });
  await withChannel((channel) => channel.deleteQueue(queue));
  const confirms = numbers(50).map((content) => publisher.publish(queue, text(content)));
  // Its answer comes after the returns have been sent on their way.
  await withChannel(async (channel) => await channel.assertQueue(queue));
  proxy.cut();
  await Promise.all(confirms);
  assert.equal((await drain(queue)).size, 50);
});

behindProxy("is not ready while it is refused, and then is again", async (test) => {
  const { proxy, queue, broker } = test;
  const publisher = await broker.openPublisher({ queues: [queue], maxUnconfirmed: 10 });
  assert(broker.ready);
  await proxy.become("refuse");
  await waitFor("readiness to end", () => !broker.ready);
  const confirm = publisher.publish(queue, text("meanwhile"));
  assert.equal(publisher.unconfirmed, 1);
  await proxy.become("pass");
  await confirm;
  await waitFor("readiness", () => broker.ready);
});

behindProxy("waits for a broker that is away at the start", async ({ proxy, queue, broker }) => {
  await proxy.become("refuse");
  const opening = broker.openPublisher({ queues: [queue], maxUnconfirmed: 10 });
  assert(!broker.ready);
  await proxy.become("pass");
  await (await opening).publish(queue, text("x"));
  assert(broker.ready);
});

behindProxy("notices a connection that fell silent", async ({ proxy, queue, broker }) => {
  const publisher = await broker.openPublisher({ queues: [queue], maxUnconfirmed: 10 });
  await proxy.become("stall");
  const confirm = publisher.publish(queue, text("into the void"));
  await waitFor("the silence to be noticed", () => !broker.ready);
  await proxy.become("pass");
  proxy.cut();
  await confirm;
  assert.deepEqual([...await drain(queue)], ["into the void"]);
}, { query: "?heartbeat=1" });

/** Opens both ends, brings about the state, and closes. */
function closesWhile(state: string, reach: (test: { proxy: TcpProxy }) => Promise<void>): void {
  behindProxy(`closes while ${state}`, async (test) => {
    const { proxy, queue, broker } = test;
    const publisher = await broker.openPublisher({ queues: [queue], maxUnconfirmed: 10 });
    await broker.subscribe({ queue, prefetch: 10, onDelivery() {} });
    await reach(test);
    const pending = failsToPublish(publisher, queue);
    await inTime(broker[Symbol.asyncDispose](), "the broker to close");
    await pending;
    await waitFor("the connections to end", () => proxy.connections === 0);
  }, { answerMs: 100 });
}

async function failsToPublish(publisher: Publisher, queue: string): Promise<void> {
  await publisher.publish(queue, text("x")).catch((error) => assert(error instanceof PublishError));
}

closesWhile("connected", () => Promise.resolve());
closesWhile("stalled", ({ proxy }) => proxy.become("stall"));
closesWhile("reconnecting", ({ proxy }) => proxy.become("refuse"));
closesWhile("shaking hands anew", async ({ proxy }) => {
  await proxy.become("stall");
  const before = proxy.accepted;
  proxy.cut();
  await waitFor("new connections", () => proxy.accepted >= before + 2);
});

behindProxy("cuts off a handshake that is under way when it is stopped", async ({ proxy }) => {
  await proxy.become("stall");
  const stop = new AbortController();
  const link = new AmqpLink({
    url: proxy.url,
    role: "test",
    log: getLogger("broker-test"),
    setUp: () => assert.fail("it is connected"),
    handshakeMs: 3_600_000,
  });
  const opening = link.open(stop.signal);
  await waitFor("a connection", () => proxy.accepted === 1);
  stop.abort(new Error("stopped"));
  await assert.rejects(opening, /^Error: stopped$/);
  await inTime(link[Symbol.asyncDispose](), "the link to close");
  await waitFor("the connection to end", () => proxy.connections === 0);
});

behindProxy("closes when it is stopped at any moment of its start", async ({ proxy, queue }) => {
  for (let turns = 0; turns < 60; turns += 3) {
    const stop = new AbortController();
    await using broker = brokerAt(proxy.url, stop);
    const opening = broker.subscribe({ queue, prefetch: 1, onDelivery() {} });
    const outcome = opening.then(() => "open", (error: unknown) => String(error));
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
    stop.abort(new Error("stopped"));
    assert.match(await outcome, /^(open|Error: stopped)$/);
  }
  await waitFor("the connections to end", () => proxy.connections === 0);
});

behindProxy("delivers nothing when it is cancelled while it reconnects", async (test) => {
  const { proxy, queue, broker } = test;
  const taker = new Taker();
  const { onDelivery } = taker;
  const subscription = await broker.subscribe({ queue, prefetch: 10, onDelivery });
  const publisher = await broker.openPublisher({ queues: [queue], maxUnconfirmed: 10 });
  await proxy.become("refuse");
  await waitFor("readiness to end", () => !broker.ready);
  await subscription.cancel();
  await proxy.become("pass");
  await publisher.publish(queue, text("late"));
  await waitFor("readiness", () => broker.ready);
  assert.deepEqual(taker.texts, []);
  await subscription[Symbol.asyncDispose]();
  assert.deepEqual([...await drain(queue)], ["late"]);
});

Deno.test({
  name: "AmqpBroker refuses headers that AMQP cannot carry, and goes on",
  ignore: amqpUrl === undefined,
  async fn() {
    await using fixture = amqpFixture();
    const { queue } = fixture;
    const publisher = await fixture.broker().openPublisher({ queues: [queue], maxUnconfirmed: 10 });
    const { body } = text("x");
    for (const headers of [{ odd: () => {} }, { large: "x".repeat(200_000) }]) {
      await assert.rejects(publisher.publish(queue, { body, headers }), PublishError);
    }
    assert.equal(publisher.unconfirmed, 0);
    await publisher.publish(queue, { body });
  },
});

Deno.test({
  name: "AmqpBroker refuses a wrong password and a wrong virtual host in a sentence without either",
  ignore: amqpUrl === undefined,
  async fn() {
    const wrong = new URL(amqpUrl!);
    wrong.password = "s3cret-not-it";
    const elsewhere = new URL(amqpUrl!);
    elsewhere.pathname = "/no-such-%zz";
    for (const [url, expected] of [[wrong, /user or password/], [elsewhere, /virtual host no-/]]) {
      await using broker = brokerAt(url as URL);
      await assert.rejects(
        broker.openPublisher({ queues: ["test-never"], maxUnconfirmed: 1 }),
        (error) =>
          error instanceof ExitError && (expected as RegExp).test(error.message) &&
          !error.message.includes("s3cret"),
      );
      assert(!broker.ready);
    }
  },
});
