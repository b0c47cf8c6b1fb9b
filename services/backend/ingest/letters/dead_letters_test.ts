import assert from "node:assert/strict";
import type { Delivery, OutgoingMessage } from "#shared/broker/port/broker.ts";
import { deadLetter } from "./dead_letters.ts";

/** What is published for a delivery with these headers. */
async function published(headers: Delivery["headers"], detail = "why"): Promise<OutgoingMessage> {
  const sent: [queue: string, message: OutgoingMessage][] = [];
  const publisher = {
    publish: (queue: string, message: OutgoingMessage) =>
      Promise.resolve(void sent.push([queue, message])),
  };
  const body = new Uint8Array([1, 2, 3]);
  const delivery = { body, headers, contentType: "text/plain", redelivered: true };
  await deadLetter(publisher, "q", delivery, "undecodable", detail);
  assert.equal(sent.length, 1);
  const [queue, message] = sent[0]!;
  assert.equal(queue, "q.dead");
  assert.deepEqual(message.body, body);
  assert.equal(message.contentType, "text/plain");
  assert.equal(message.headers?.["x-dead-letter-reason"], "undecodable");
  return message;
}

Deno.test("deadLetter keeps the plain headers of the original", async () => {
  const plain = { traceparent: "00-ab", tries: 3, flagged: false, big: Number.MAX_SAFE_INTEGER };
  const { headers } = await published(plain);
  for (const [name, value] of Object.entries(plain)) assert.equal(headers?.[name], value);
});

Deno.test("deadLetter leaves out headers that route, or that a client may fail to encode", async () => {
  const poison = {
    CC: ["q"],
    BCC: "q",
    cc: "q",
    "!": "nothing",
    nan: NaN,
    far: -1e300,
    table: { "!": "nothing" },
    list: [1],
    none: null,
    bytes: new Uint8Array(3),
  };
  const { headers } = await published(poison);
  const kept = Object.keys(headers ?? {}).filter((name) => !name.startsWith("x-dead-letter-"));
  assert.deepEqual(kept, ["!"], "a text like any other");
});

Deno.test("deadLetter leaves out what became too long for AMQP, since its bytes were no text", async () => {
  const noText = "\ufffd".repeat(200);
  const sent: OutgoingMessage[] = [];
  const publish = (_: string, message: OutgoingMessage) => Promise.resolve(void sent.push(message));
  await deadLetter(
    { publish },
    "q",
    {
      body: new Uint8Array(),
      headers: { [noText]: "a", good: noText },
      contentType: noText,
      redelivered: false,
    },
    "undecodable",
    "why",
  );
  const [message] = sent;
  assert.equal(message!.contentType, null);
  const { headers = {} } = message!;
  assert.equal(headers[noText], undefined);
  assert.equal(headers["good"], noText);
});

Deno.test("deadLetter bounds the headers and the detail", async () => {
  const headers = Object.fromEntries(
    Array.from({ length: 1_000 }, (_, at) => [`h${at}`, "\u{1f321}".repeat(at)]),
  );
  const message = await published(headers, "\u{1f321}".repeat(100_000));
  assert.ok(new TextEncoder().encode(JSON.stringify(message.headers)).length < 32_768);
  assert.equal(message.headers?.["h1"], "\u{1f321}");
});

Deno.test("deadLetter names a message by what it is, and not by how it came", async () => {
  const idOf = async (headers: Delivery["headers"]) =>
    (await published(headers)).headers?.["x-dead-letter-id"];
  const id = await idOf({ trace: "a", tries: 3 });
  assert.match(String(id), /^[0-9a-f]{16}$/);
  const same = {
    tries: 3,
    trace: "a",
    "x-delivery-count": 2,
    "x-acquired-count": 2,
    "x-dead-letter-id": "0123456789abcdef",
    "x-dead-letter-replays": 4,
  };
  assert.equal(await idOf(same), id);
  assert.notEqual(await idOf({ trace: "b", tries: 3 }), id);
});
