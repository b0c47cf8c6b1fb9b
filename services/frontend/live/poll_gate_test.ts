import assert from "node:assert/strict";
import { PollGate } from "./poll_gate.ts";

const away = new Error("away");
const never = new AbortController().signal;

/** A gate for two, and polls that last until they are settled by name. */
function setUp() {
  const gate = new PollGate({ atOnce: 2, away: (error) => error === away });
  const begun: string[] = [];
  const polls = new Map<string, PromiseWithResolvers<string>>();
  const run = (name: string, signal = never) => {
    const poll = Promise.withResolvers<string>();
    polls.set(name, poll);
    const outcome = gate.run(signal, () => {
      begun.push(name);
      return poll.promise;
    });
    // Looked at later, if at all.
    outcome.catch(() => {});
    return outcome;
  };
  return { begun, run, poll: (name: string) => polls.get(name)! };
}

Deno.test("PollGate lets so many through at once, in their order", async () => {
  const { begun, run, poll } = setUp();
  const outcomes = ["a", "b", "c", "d"].map((name) => run(name));
  assert.deepEqual(begun, ["a", "b"]);
  poll("b").resolve("b");
  assert.equal(await outcomes[1], "b");
  assert.deepEqual(begun, ["a", "b", "c"]);
  poll("a").reject(new Error("its own fault"));
  await assert.rejects(outcomes[0]!, /its own fault/);
  assert.deepEqual(begun, ["a", "b", "c", "d"]);
  poll("c").resolve("c");
  poll("d").resolve("d");
  assert.deepEqual(await Promise.all(outcomes.slice(2)), ["c", "d"]);
});

Deno.test("PollGate lets those who wait share the failure while the backend is away", async () => {
  const { begun, run, poll } = setUp();
  const outcomes = ["a", "b", "c", "d"].map((name) => run(name));
  poll("a").reject(away);
  for (const at of [0, 2, 3]) await assert.rejects(outcomes[at]!, away);
  assert.deepEqual(begun, ["a", "b"]);
  poll("b").resolve("b");
  assert.equal(await outcomes[1], "b");
  const next = [run("e"), run("f")];
  assert.deepEqual(begun, ["a", "b", "e", "f"]);
  poll("e").resolve("e");
  poll("f").resolve("f");
  await Promise.all(next);
});

Deno.test("PollGate blames no one else for a poll that fails while others are answered", async () => {
  const { run, poll } = setUp();
  const [slow, second, third] = ["slow", "b", "c"].map((name) => run(name));
  poll("b").resolve("b");
  assert.equal(await second, "b");
  const fourth = run("d");
  poll("slow").reject(away);
  await assert.rejects(slow!, away);
  poll("c").resolve("c");
  poll("d").resolve("d");
  assert.deepEqual(await Promise.all([third, fourth]), ["c", "d"]);
});

Deno.test("PollGate forgets a poll that is given up before its turn", async () => {
  const { begun, run, poll } = setUp();
  run("a");
  run("b");
  const stop = new AbortController();
  const given = run("c", stop.signal);
  const last = run("d");
  stop.abort(new Error("left"));
  await assert.rejects(given, /left/);
  poll("a").resolve("a");
  poll("b").resolve("b");
  poll("d").resolve("d");
  assert.equal(await last, "d");
  assert.deepEqual(begun, ["a", "b", "d"]);
  await assert.rejects(run("e", stop.signal), /left/);
});
