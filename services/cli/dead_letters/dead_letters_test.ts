import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { create, toBinary } from "@bufbuild/protobuf";
import { getLogger } from "@logtape/logtape";
import { type ChannelModel, connect, type GetMessage } from "amqplib";
import { deadLetterQueue } from "#shared/broker/port/broker.ts";
import { SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { LetterFixture } from "../../../tests/support/dead_letters.ts";
import { amqpUrl } from "../../../tests/support/rabbitmq.ts";
import { connectOnce } from "../queues/connect_once.ts";
import { queueSize } from "../queues/queue_size.ts";
import { Republisher } from "../queues/republisher.ts";
import { walkQueue } from "../queues/walk_queue.ts";
import { listLetters } from "./list_letters.ts";

const ignore = amqpUrl === undefined;
const bytes = (text: string) => new TextEncoder().encode(text);

/** Takes all messages of a queue off it. */
async function drain(queue: string): Promise<readonly GetMessage[]> {
  const connection = await connect(amqpUrl!);
  try {
    const channel = await connection.createChannel();
    const found: GetMessage[] = [];
    for (;;) {
      const message = await channel.get(queue, { noAck: true });
      if (message === false) return found;
      found.push(message);
    }
  } finally {
    await connection.close();
  }
}

function numbered(count: number) {
  return Array.from({ length: count }, (_, at) => ({
    body: bytes(`letter ${at}`),
    reason: at % 3 === 0 ? "out_of_range" as const : "undecodable" as const,
  }));
}

Deno.test({
  name: "dead-letters list prints each letter and counts by queue and reason",
  ignore,
  async fn() {
    await using letters = new LetterFixture();
    await letters.fill(numbered(7));
    await letters.fill([{ body: bytes("x"), reason: "missing_field" }], letters.device.name);
    const lines = await letters.run("list");
    assert.equal((await letters.ids()).length, 8);
    const dead = [deadLetterQueue(letters.device.name), deadLetterQueue(letters.sensor.name)];
    assert.deepEqual(lines.slice(-3).map((line) => line.trim()), [
      `1  ${dead[0]}  missing_field`,
      `4  ${dead[1]}  undecodable`,
      `3  ${dead[1]}  out_of_range`,
    ]);
    const limited = await letters.run("list", { limit: 2, queue: letters.sensor.name });
    assert.ok(limited.includes("The first 2 of 7 are shown."), limited.join("\n"));
    assert.equal((await letters.run("list", { olderThanMs: 60_000 })).join(), "No dead letters.");
    const young = await letters.run("list", { newerThanMs: 60_000, reason: "out_of_range" });
    assert.equal(young.at(-1)!.trim(), `3  ${dead[1]}  out_of_range`);
    await assert.rejects(letters.run("list", { queue: "elsewhere" }), ExitError);
  },
});

Deno.test({
  name: "dead-letters show prints one letter in full, harmless to a terminal",
  ignore,
  async fn() {
    await using letters = new LetterFixture();
    const body = toBinary(
      SensorReadingSchema,
      create(SensorReadingSchema, { deviceId: "a\x1b[2Jb", timestamp: 5n, temperature: NaN }),
    );
    await letters.fill([
      { body: bytes("first") },
      {
        body,
        headers: { trace: "t\x1b1" },
        contentType: "application/protobuf",
        properties: { messageId: "m-1" },
      },
    ]);
    const id = (await letters.ids())[1]!;
    const text = (await letters.run("show", { id })).join("\n");
    for (
      const part of [
        `id            ${id}`,
        "reason        undecodable",
        "detail        for being undecodable",
        "content type  application/protobuf",
        "property      messageId: m-1",
        "header        trace: t\\u{1b}1",
        "device_id: a\\u{1b}[2Jb",
        "temperature: NaN",
        "00000000  0a",
      ]
    ) assert.ok(text.includes(part), `${part} is not in:\n${text}`);
    assert.ok(!text.includes("\x1b"));
    const short = (await letters.run("show", { dumpBytes: 2 })).join("\n");
    assert.ok(short.includes("… and 3 bytes more"), short);
    await assert.rejects(letters.run("show", { id: "0".repeat(16) }), /none matches/);
    assert.equal((await letters.ids()).length, 2);
  },
});

Deno.test({
  name: "dead-letters replay puts the original back as it was, and a second replay does nothing",
  ignore,
  async fn() {
    await using letters = new LetterFixture();
    await letters.fill([
      {
        body: bytes("whole"),
        headers: { trace: "t", depth: 3 },
        contentType: "text/plain",
        properties: { messageId: "m-1", correlationId: "c", timestamp: 1_700_000_000 },
      },
      { body: bytes("bare") },
    ]);
    const [id] = await letters.ids();
    assert.deepEqual(await letters.run("replay"), ["Replayed 2, left 0."]);
    assert.deepEqual(await letters.run("replay"), ["Replayed 0, left 0."]);
    const [whole, bare, ...others] = await drain(letters.sensor.name);
    assert.equal(others.length, 0);
    assert.equal(whole!.content.toString(), "whole");
    const { headers, contentType, messageId, correlationId, timestamp } = whole!.properties;
    assert.deepEqual(
      { headers, contentType, messageId, correlationId, timestamp },
      {
        headers: {
          trace: "t",
          depth: 3,
          "x-dead-letter-id": id,
          "x-dead-letter-replays": 1,
        },
        contentType: "text/plain",
        messageId: "m-1",
        correlationId: "c",
        timestamp: 1_700_000_000,
      },
    );
    assert.equal(bare!.properties.contentType, undefined);
    assert.equal(bare!.properties.messageId, undefined);
  },
});

for (const type of ["classic", "quorum"] as const) {
  Deno.test({
    name: `dead-letters leaves what does not match untouched and in order, on ${type} queues`,
    ignore,
    async fn() {
      await using letters = new LetterFixture(type);
      await letters.fill(numbered(300));
      const before = await letters.ids();
      await letters.run("show", { id: before[40]! });
      assert.deepEqual(await letters.run("replay", { id: before[50]! }), ["Replayed 1, left 299."]);
      const [counted, ...dropped] = await letters.run("drop", { reason: "out_of_range" });
      assert.match(counted!, /^ +100 .* out_of_range$/);
      assert.deepEqual(dropped, ["Dropped 100, left 199."]);
      const after = before.filter((_, at) => at % 3 !== 0 && at !== 50);
      assert.deepEqual(await letters.ids(), after);
      // More looks than the 20 deliveries that RabbitMQ 4 grants a message by itself.
      for (let look = 0; look < 22; look++) await letters.run("list", { limit: 1 });
      assert.deepEqual(await letters.ids(), after);
    },
  });
}

for (const type of ["classic", "quorum"] as const) {
  Deno.test({
    name: `dead-letters heeds its limit, and drops not everything unasked, on ${type} queues`,
    ignore,
    async fn() {
      await using letters = new LetterFixture(type);
      await letters.fill(numbered(7));
      await assert.rejects(letters.run("drop"), /or say --yes$/);
      await assert.rejects(letters.run("drop", { limit: 2 }), /or say --yes$/);
      const before = await letters.ids();
      assert.deepEqual(await letters.run("replay", { limit: 2 }), ["Replayed 2, left 5."]);
      await letters.run("drop", { yes: true, limit: 2 });
      assert.deepEqual(await letters.ids(), before.slice(4));
      assert.equal((await letters.run("drop", { yes: true })).at(-1), "Dropped 3, left 0.");
    },
  });
}

Deno.test({
  name: "A walk comes to no message that arrives while it is under way",
  ignore,
  async fn() {
    await using letters = new LetterFixture();
    await letters.fill(numbered(3));
    const log = getLogger("letters-test");
    const dead = deadLetterQueue(letters.sensor.name);
    await using link = await connectOnce(new URL(amqpUrl!), "test", log);
    const republisher = await Republisher.open(link);
    const seen: string[] = [];
    const walked = await walkQueue({
      link,
      queue: dead,
      maxMessages: 3,
      async visit({ content }) {
        seen.push(String(content));
        // As a backend does that finds a replayed message as bad as before.
        await republisher.publish(dead, content, {});
        return "remove" as const;
      },
      signal: new AbortController().signal,
    });
    assert.deepEqual(walked, { visited: 3, removed: 3, end: "all" });
    assert.deepEqual(seen, ["letter 0", "letter 1", "letter 2"]);
    assert.equal((await letters.ids()).length, 3);
  },
});

Deno.test({
  name: "A replay that dies between publish and ack loses nothing",
  ignore,
  async fn() {
    await using letters = new LetterFixture();
    await letters.fill(numbered(3));
    const log = getLogger("letters-test");
    const dead = deadLetterQueue(letters.sensor.name);
    {
      await using reading = await connectOnce(new URL(amqpUrl!), "test", log);
      await using writing = await connectOnce(new URL(amqpUrl!), "test", log);
      const republisher = await Republisher.open(writing);
      await assert.rejects(
        walkQueue({
          link: reading,
          queue: dead,
          maxMessages: 3,
          async visit({ content }) {
            await republisher.publish(letters.sensor.name, content, {});
            // As a killed process would: the ack has no way to the broker any more.
            const { connection } = reading.connection as ChannelModel;
            // Not in the types.
            (connection as { readonly stream?: { destroy(error: Error): void } }).stream!
              .destroy(new Error("cut"));
            return "remove" as const;
          },
          signal: new AbortController().signal,
        }),
        ExitError,
      );
    }
    assert.equal((await letters.ids()).length, 3);
    assert.deepEqual(await letters.run("replay"), ["Replayed 3, left 0."]);
    const bodies = new Set((await drain(letters.sensor.name)).map(({ content }) => `${content}`));
    assert.deepEqual([...bodies].sort(), ["letter 0", "letter 1", "letter 2"]);
  },
});

Deno.test({
  name: "dead-letters replay keeps the letters when their queue is gone",
  ignore,
  async fn() {
    await using letters = new LetterFixture();
    await letters.fill(numbered(3));
    const connection = await connect(amqpUrl!);
    const channel = await connection.createChannel();
    await channel.deleteQueue(letters.sensor.name);
    await connection.close();
    await assert.rejects(letters.run("replay"), /there is no such queue/);
    assert.equal((await letters.ids()).length, 3);
  },
});

Deno.test({
  name: "dead-letters works on what others put there, and beside other consumers",
  ignore,
  async fn() {
    await using letters = new LetterFixture();
    await letters.fill([]);
    const dead = deadLetterQueue(letters.sensor.name);
    const connection = await connect(amqpUrl!);
    try {
      const channel = await connection.createConfirmChannel();
      for (let at = 0; at < 40; at++) {
        channel.sendToQueue(dead, Buffer.from(`${at}`), {
          headers: { "x-dead-letter-time": "soon", "x-dead-letter-properties": "[1" },
        });
      }
      await channel.waitForConfirms();
      assert.equal((await letters.run("list")).at(-1)!.trim(), `40  ${dead}  unknown`);
      await channel.prefetch(10);
      const held = Promise.withResolvers<void>();
      let count = 0;
      await channel.consume(dead, () => ++count === 10 ? held.resolve() : undefined);
      await held.promise;
      assert.equal((await letters.ids()).length, 30);
      assert.deepEqual(await letters.run("replay"), ["Replayed 30, left 0."]);
    } finally {
      await connection.close();
    }
    assert.equal((await letters.ids()).length, 10);
    await using link = await connectOnce(new URL(amqpUrl!), "test", getLogger("letters-test"));
    assert.deepEqual(await queueSize(link, dead), { messages: 10, consumers: 0 });
  },
});

Deno.test({
  name: "dead-letters replay moves bodies larger than it may have on their way at once",
  ignore,
  async fn() {
    await using letters = new LetterFixture();
    const size = 10 * 1024 * 1024;
    const small = numbered(4);
    await letters.fill([
      ...small,
      ...Array.from({ length: 5 }, (_, at) => ({ body: new Uint8Array(size).fill(at) })),
    ]);
    assert.deepEqual(await letters.run("replay"), ["Replayed 9, left 0."]);
    const sizes = (await drain(letters.sensor.name)).map(({ content }) => content.length);
    assert.deepEqual(sizes.filter((length) => length === size).length, 5);
    assert.equal(sizes.length, 9);
  },
});

Deno.test("dead-letters says that memory:// keeps none", async () => {
  const rabbitmq = { url: new URL("memory://"), deviceQueue: "d", sensorQueue: "s" };
  const none = { queue: undefined, id: undefined, reason: undefined };
  const ages = { olderThanMs: undefined, newerThanMs: undefined };
  await assert.rejects(
    listLetters(
      { backend: { rabbitmq }, deadLetters: { ...none, ...ages, limit: Infinity } },
      { log: getLogger("letters-test"), signal: new AbortController().signal },
      () => Promise.resolve(),
    ),
    /gone with the process/,
  );
});
