import assert from "node:assert/strict";
import type { Delivery } from "#shared/broker/port/broker.ts";
import { LetterSender } from "./letter_sender.ts";

/** A sender, whose letters are confirmed when the test says so. */
function sender(maxRemembered = 100) {
  const sent: PromiseWithResolvers<void>[] = [];
  const publish = () => {
    const confirm = Promise.withResolvers<void>();
    sent.push(confirm);
    return confirm.promise;
  };
  const letters = new LetterSender({ publisher: { publish }, queue: "q", maxRemembered });
  return { sent, send: (delivery: Delivery) => letters.send(delivery, "undecodable", "why") };
}

function delivery(text: string, given: Partial<Delivery> = {}): Delivery {
  const body = new TextEncoder().encode(text);
  return { body, headers: {}, contentType: undefined, redelivered: false, ...given };
}

const again = { redelivered: true, headers: { "x-delivery-count": 1 } };

Deno.test("LetterSender sends no second letter for a message that is delivered again", async () => {
  const { sent, send } = sender();
  const first = send(delivery("a"));
  const meanwhile = send(delivery("a", again));
  assert.equal(sent.length, 1);
  sent[0]!.resolve();
  await Promise.all([first, meanwhile]);
  await send(delivery("a", again));
  assert.equal(sent.length, 1);
  assert.equal((send(delivery("b", again)), sent.length), 2, "another message");
});

Deno.test("LetterSender sends a letter for each message that is sent anew or was replayed", () => {
  const { sent, send } = sender();
  send(delivery("a"));
  send(delivery("a"));
  assert.equal(sent.length, 2);
  send(delivery("a", { redelivered: true, headers: { "x-dead-letter-replays": 1 } }));
  assert.equal(sent.length, 3);
  send(delivery("a", { redelivered: true, headers: { "x-dead-letter-time": "2026-01-01" } }));
  assert.equal(sent.length, 4);
});

Deno.test("LetterSender tries again what was not confirmed", async () => {
  const { sent, send } = sender();
  const failed = send(delivery("a"));
  sent[0]!.reject(new Error("closed"));
  await assert.rejects(failed, /closed/);
  send(delivery("a", again));
  assert.equal(sent.length, 2);
});

Deno.test("LetterSender remembers the newest letters, and no more than it may", () => {
  const { sent, send } = sender(2);
  for (const text of ["a", "b", "c"]) send(delivery(text));
  for (const text of ["b", "c"]) send(delivery(text, again));
  assert.equal(sent.length, 3);
  send(delivery("a", again));
  assert.equal(sent.length, 4);
});

Deno.test("LetterSender takes headers however deep they are", async () => {
  const { sent, send } = sender();
  let deep: unknown[] = [];
  for (let depth = 0; depth < 100_000; depth++) deep = [deep];
  const letter = send(delivery("a", { headers: { deep } }));
  sent[0]!.resolve();
  await letter;
  send(delivery("a", { redelivered: true, headers: { deep } }));
  assert.equal(sent.length, 1);
});
