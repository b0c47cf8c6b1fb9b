import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { Registry } from "prom-client";
import type { Delivery } from "#shared/broker/port/broker.ts";
import { waitUntil } from "../../../tests/support/wait_until.ts";
import { MalformedMessageError } from "../readings/malformed_message_error.ts";
import { BatchConsumer, type BatchConsumerOptions } from "./batch_consumer.ts";
import { createIngestMetrics } from "./ingest_metrics.ts";
import type { MessageKind } from "./message_kind.ts";
import type { Settlement } from "./settlement.ts";

const never = 3_600_000;

function delivery(text: string): Delivery {
  const body = new TextEncoder().encode(text);
  return { body, headers: {}, contentType: undefined, redelivered: false };
}

const textOf = ({ body }: Delivery) => new TextDecoder().decode(body);
const failed = (code: string) => Object.assign(new Error("refused"), { code });

/** A consumer of texts, and what became of them. `bad …` is malformed. */
function consumerOf(
  { write = () => Promise.resolve(), deadLetter = () => Promise.resolve(), ...options }:
    & Partial<BatchConsumerOptions & Pick<MessageKind<string>, "decode" | "write">>
    & Partial<Settlement>,
) {
  const acked: string[] = [];
  const dead: [text: string, reason: string, detail: string][] = [];
  const written: (readonly string[])[] = [];
  const registry = new Registry();
  const kind: MessageKind<string> = {
    decode: options.decode ?? ((body) => {
      const text = new TextDecoder().decode(body);
      if (text.startsWith("bad")) throw new MalformedMessageError("out_of_range", text);
      return text;
    }),
    async write(rows) {
      await write(rows);
      written.push(rows);
    },
  };
  const settlement: Settlement = {
    ack: options.ack ?? ((deliveries) => void acked.push(...deliveries.map(textOf))),
    async deadLetter(delivery, reason, detail) {
      await deadLetter(delivery, reason, detail);
      dead.push([textOf(delivery), reason, detail]);
    },
  };
  const consumer = new BatchConsumer(kind, {
    queue: "q",
    maxRows: 3,
    maxWaitMs: never,
    writers: 1,
    nowMs: () => 0,
    metrics: createIngestMetrics(registry),
    log: getLogger("batch-consumer-test"),
    ...options,
  }, settlement);
  const accept = (...texts: string[]) => texts.forEach((text) => consumer.accept(delivery(text)));
  return { consumer, accept, acked, dead, written, registry };
}

async function unconfirmedLetters(registry: Registry): Promise<number | undefined> {
  const metric = await registry.getSingleMetric("ingest_unconfirmed_dead_letters")?.get();
  return metric?.values[0]?.value;
}

const until = (condition: () => boolean, what: string) => waitUntil(condition, { what });

Deno.test("BatchConsumer acks only after the batch is written", async () => {
  const commit = Promise.withResolvers<void>();
  const { consumer, accept, acked } = consumerOf({ write: () => commit.promise });
  accept("a", "b", "c");
  await Promise.resolve();
  assert.deepEqual(acked, []);
  commit.resolve();
  await until(() => acked.length === 3, "acks");
  await consumer.drain(1_000);
});

Deno.test("BatchConsumer writes a batch as soon as it is full", async () => {
  const { consumer, accept, written } = consumerOf({});
  accept("a", "b");
  assert.deepEqual(written, []);
  accept("c", "d");
  await until(() => written.length >= 1, "a write");
  assert.deepEqual(written[0], ["a", "b", "c"]);
  await consumer.drain(1_000);
  assert.deepEqual(written.flat(), ["a", "b", "c", "d"]);
});

Deno.test("BatchConsumer writes a batch that does not fill after its wait", async () => {
  const { consumer, accept, acked, written } = consumerOf({ maxWaitMs: 20 });
  accept("a");
  await until(() => acked.length === 1, "an ack");
  assert.deepEqual(written, [["a"]]);
  accept("b", "c");
  await until(() => acked.length === 3, "acks");
  await consumer.drain(1_000);
});

Deno.test("BatchConsumer has no more writes under way than writers, of no more than maxRows", async () => {
  let underWay = 0;
  let most = 0;
  const gates: (() => void)[] = [];
  const { consumer, accept, acked, written } = consumerOf({
    writers: 2,
    async write(rows) {
      assert.ok(rows.length <= 3);
      most = Math.max(most, ++underWay);
      await new Promise<void>((resolve) => gates.push(resolve));
      underWay--;
    },
  });
  const texts = Array.from({ length: 20 }, (_, at) => String(at));
  accept(...texts);
  while (acked.length < texts.length) {
    await until(() => gates.length > 0 || acked.length === texts.length, "a write");
    gates.shift()?.();
  }
  assert.equal(most, 2);
  assert.deepEqual(written.flat().toSorted(), texts.toSorted());
  await consumer.drain(1_000);
});

Deno.test("BatchConsumer dead-letters only the row that the database refuses", async () => {
  const texts = Array.from({ length: 1_000 }, (_, at) => `row ${at}`);
  let writes = 0;
  const { consumer, accept, acked, dead, written } = consumerOf({
    maxRows: 1_000,
    write(rows) {
      writes++;
      return rows.includes("row 617") ? Promise.reject(failed("22P05")) : Promise.resolve();
    },
  });
  accept(...texts);
  await until(() => acked.length === texts.length, "acks");
  assert.deepEqual(dead, [["row 617", "refused_by_database", "22P05 refused"]]);
  assert.deepEqual(written.flat().toSorted(), texts.filter((t) => t !== "row 617").toSorted());
  assert.ok(writes <= 1 + 2 * Math.ceil(Math.log2(1_000)), `${writes} writes`);
  await consumer.drain(1_000);
});

Deno.test("BatchConsumer dead-letters each of several refused rows", async () => {
  const { consumer, accept, acked, dead } = consumerOf({
    maxRows: 16,
    write: (rows) =>
      rows.some((row) => row.endsWith("!")) ? Promise.reject(failed("22003")) : Promise.resolve(),
  });
  accept(...Array.from({ length: 16 }, (_, at) => at % 5 === 0 ? `${at}!` : `${at}`));
  await until(() => acked.length === 16, "acks");
  assert.deepEqual(dead.map(([text]) => text), ["0!", "5!", "10!", "15!"]);
  await consumer.drain(1_000);
});

for (
  const [what, error] of [
    ["the database is away", Object.assign(new Error("no server"), { code: "ECONNREFUSED" })],
    ["the schema needs mending", failed("42P01")],
    ["another writer won", failed("40P01")],
  ] as const
) {
  Deno.test(`BatchConsumer keeps a batch and tries again while ${what}`, async () => {
    /** Those acked by each try. */
    const ackedBy: number[] = [];
    let tries = 0;
    const { consumer, accept, acked, dead } = consumerOf({
      write() {
        ackedBy.push(acked.length);
        return ++tries < 4 ? Promise.reject(error) : Promise.resolve();
      },
    });
    const startedMs = performance.now();
    accept("a", "b", "c");
    await until(() => acked.length === 3, "acks");
    assert.deepEqual(ackedBy, [0, 0, 0, 0]);
    assert.ok(performance.now() - startedMs >= 100 * 0.8 * (1 + 2 + 4), "backoff from 100 ms");
    assert.deepEqual([tries, dead], [4, []]);
    await consumer.drain(1_000);
  });
}

Deno.test("BatchConsumer counts each write that failed once, by what it calls for", async () => {
  const failures = [failed("57P03"), failed("42P01"), failed("22P05"), failed("22P05")];
  const { consumer, accept, acked, dead, registry } = consumerOf({
    maxRows: 2,
    write() {
      const failure = failures.shift();
      return failure === undefined ? Promise.resolve() : Promise.reject(failure);
    },
  });
  accept("a", "b");
  await until(() => acked.length === 2, "acks");
  assert.deepEqual(dead.map(([text]) => text), ["a"]);
  const counted = (await registry.getSingleMetric("ingest_write_failures_total")!.get()).values;
  assert.deepEqual(counted.map(({ labels, value }) => [labels["failure"], value]), [
    ["retry", 1],
    ["repair", 1],
    ["reject", 2],
  ]);
  await consumer.drain(1_000);
});

Deno.test("BatchConsumer dead-letters what is malformed, and writes the others", async () => {
  const { consumer, accept, acked, dead, written, registry } = consumerOf({});
  accept("bad 1", "good", "bad 2");
  await until(() => acked.length === 3, "acks");
  assert.deepEqual(dead, [
    ["bad 1", "out_of_range", "bad 1"],
    ["bad 2", "out_of_range", "bad 2"],
  ]);
  assert.deepEqual(written, [["good"]]);
  const metrics = await registry.metrics();
  assert.ok(metrics.includes('ingest_dead_letters_total{queue="q",reason="out_of_range"} 2'));
  await consumer.drain(1_000);
});

Deno.test("BatchConsumer lets no row wait for a dead letter that is not confirmed", async () => {
  const confirmed = Promise.withResolvers<void>();
  const { consumer, accept, acked } = consumerOf({ deadLetter: () => confirmed.promise });
  accept("bad", "good", "bad too", "bad again", "bad yet", "bad at last", "fine", "well", "bad");
  await until(() => acked.length === 3, "acks of the rows");
  assert.deepEqual(acked, ["good", "fine", "well"]);
  confirmed.resolve();
  await until(() => acked.length === 9, "the acks of the dead letters");
  await consumer.drain(1_000);
});

Deno.test("BatchConsumer lets no row wait for the dead letter of one that was refused", async () => {
  const confirmed = Promise.withResolvers<void>();
  const { consumer, accept, acked } = consumerOf({
    write: (rows) => rows.includes("no") ? Promise.reject(failed("22P05")) : Promise.resolve(),
    deadLetter: () => confirmed.promise,
  });
  accept("a", "no", "b", "no", "c", "d");
  await until(() => acked.length === 4, "acks of the rows");
  assert.deepEqual(acked.toSorted(), ["a", "b", "c", "d"]);
  confirmed.resolve();
  await consumer.drain(20_000);
  assert.equal(acked.length, 6);
});

Deno.test("BatchConsumer forgets what can no longer be acked, and goes on with what comes", async () => {
  let away = true;
  let tries = 0;
  const { consumer, accept, acked, dead, written } = consumerOf({
    write: () => away ? Promise.reject((tries++, failed("57P03"))) : Promise.resolve(),
    deadLetter: () => away ? Promise.reject(new Error("no broker")) : Promise.resolve(),
  });
  accept("a", "b", "bad", "waiting", "behind", "them");
  await until(() => tries > 0, "a try");
  consumer.forget();
  away = false;
  accept("new", "newer", "newest");
  await until(() => acked.length === 3, "acks of what came after");
  await consumer.drain(20_000);
  assert.deepEqual([acked, written, dead], [
    ["new", "newer", "newest"],
    [["new", "newer", "newest"]],
    [],
  ]);
});

Deno.test("BatchConsumer writes no halves, and sends no letters, of what it has forgotten", async () => {
  let tries = 0;
  const refused = Promise.withResolvers<void>();
  const { consumer, accept, acked, dead } = consumerOf({
    maxRows: 2,
    write: () => ++tries === 1 ? refused.promise : Promise.reject(failed("22P05")),
  });
  accept("a", "b");
  consumer.forget();
  refused.reject(failed("22P05"));
  await consumer.drain(20_000);
  assert.deepEqual([tries, acked, dead], [1, [], []]);
});

Deno.test("BatchConsumer keeps a malformed message until its dead letter is confirmed", async () => {
  let tries = 0;
  /** What is acked by the last try. */
  let ackedBefore: readonly string[] = [];
  const unconfirmed: (number | undefined)[] = [];
  const { consumer, accept, acked, dead, registry } = consumerOf({
    async deadLetter({ body }) {
      if (body.length !== 5) return;
      ackedBefore = acked.toSorted();
      unconfirmed.push(await unconfirmedLetters(registry));
      if (++tries < 3) throw new Error("nack");
    },
  });
  accept("bad 1", "bad two", "good");
  await until(() => acked.length === 3, "acks");
  assert.deepEqual(ackedBefore, ["bad two", "good"]);
  assert.deepEqual([tries, dead.length], [3, 2]);
  assert.deepEqual([...unconfirmed, await unconfirmedLetters(registry)], [2, 1, 1, 0]);
  await consumer.drain(1_000);
});

Deno.test("BatchConsumer dead-letters what its decoder fails on, and goes on", async () => {
  const { consumer, accept, acked, dead, written } = consumerOf({
    decode(body) {
      const text = new TextDecoder().decode(body);
      if (text === "trap") throw new TypeError("undefined is not an object");
      return text;
    },
  });
  accept("a", "trap", "b");
  await until(() => acked.length === 3, "acks");
  assert.deepEqual(dead, [["trap", "decoder_failed", "TypeError: undefined is not an object"]]);
  assert.deepEqual(written, [["a", "b"]]);
  await consumer.drain(1_000);
});

Deno.test("BatchConsumer settles what it has accepted when drained", async () => {
  const { consumer, accept, acked, written } = consumerOf({ maxRows: 100 });
  accept("a", "b", "bad");
  await consumer.drain(20_000);
  assert.deepEqual(acked.toSorted(), ["a", "b", "bad"]);
  assert.deepEqual(written, [["a", "b"]]);
});

Deno.test("BatchConsumer leaves unacked what cannot be settled by the deadline", async () => {
  let tries = 0;
  const { consumer, accept, acked, dead } = consumerOf({
    write: () => Promise.reject((tries++, failed("57P03"))),
    deadLetter: () => Promise.reject(new Error("no broker")),
  });
  accept("a", "bad", "c", "d", "e");
  await consumer.drain(30);
  // What was waiting behind the batch in hand is given up too.
  const triedBy = tries;
  accept("late", "later", "latest", "too late");
  await consumer.drain(30);
  assert.deepEqual([acked, dead, tries], [[], [], triedBy]);
});
