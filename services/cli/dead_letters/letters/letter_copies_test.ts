import assert from "node:assert/strict";
import { deadLetterQueue } from "#shared/broker/port/broker.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { withChannel } from "../../../../tests/support/broker_fixture.ts";
import { LetterFixture } from "../../../../tests/support/dead_letters.ts";
import { amqpUrl } from "../../../../tests/support/rabbitmq.ts";
import { RawPublisher } from "../../../../tests/support/raw_publisher.ts";

const ignore = amqpUrl === undefined;
const body = (text: string) => new TextEncoder().encode(text);

/** Takes all messages of a queue off it. */
function drain(queue: string): Promise<readonly string[]> {
  return withChannel(async (channel) => {
    const found: string[] = [];
    for (;;) {
      const message = await channel.get(queue, { noAck: true });
      if (message === false) return found;
      found.push(message.content.toString());
    }
  });
}

for (const type of ["classic", "quorum"] as const) {
  Deno.test({
    name: `dead-letters takes copies of a message for one letter, on ${type} queues`,
    ignore,
    async fn() {
      await using letters = new LetterFixture(type);
      const one = { body: body("one") };
      const other = { body: body("one"), properties: { messageId: "2" } };
      // As RabbitMQ marks it in a quorum queue when it comes again.
      const again = { ...one, redelivered: true, headers: { "x-delivery-count": 1 } };
      const replayed = { ...one, headers: { "x-dead-letter-replays": 1 } };
      await letters.fill([one, other, again, { body: body("two") }, replayed]);
      const listed = await letters.run("list");
      assert.equal((await letters.ids()).length, 3);
      assert.match(listed.at(-2)!, / 3 .* undecodable$/);
      assert.equal(listed.at(-1), "2 more are further copies of these.");

      const [id] = await letters.ids();
      assert.deepEqual((await letters.run("drop", { id: id! })).slice(1), [
        "Dropped 1, and 2 further copies, left 2.",
      ]);
      await letters.fill([one, again]);
      assert.deepEqual(await letters.run("replay"), ["Replayed 3, and a further copy, left 0."]);
      assert.deepEqual((await drain(letters.sensor.name)).toSorted(), ["one", "one", "two"]);
    },
  });
}

Deno.test({
  name: "dead-letters takes no message for a copy of one whose id it was given",
  ignore,
  async fn() {
    await using letters = new LetterFixture();
    await letters.fill([{ body: body("honest") }]);
    const [id] = await letters.ids();
    await letters.fill([{ body: body("hostile"), headers: { "x-dead-letter-id": id } }]);
    assert.equal(new Set(await letters.ids()).size, 2);
    // Written by whom it may be, both are sent.
    await using publisher = await RawPublisher.open(amqpUrl!);
    const queue = deadLetterQueue(letters.sensor.name);
    const headers = { "x-dead-letter-id": id };
    await publisher.publish([{ queue, body: body("foreign"), headers }]);
    assert.deepEqual(await letters.run("replay"), ["Replayed 3, left 0."]);
  },
});

Deno.test({
  name: "dead-letters says when others took letters that it was to work on",
  ignore,
  async fn() {
    await using letters = new LetterFixture();
    // More than are taken at once.
    const count = 700;
    await letters.fill(Array.from({ length: count }, (_, at) => ({ body: body(`${at}`) })));
    let taken: Promise<readonly string[]> | undefined;
    const lines: string[] = [];
    await assert.rejects(
      letters.run("list", {}, new AbortController().signal, async (line) => {
        lines.push(line);
        // The walk waits for its first lines, and holds what it has.
        await (taken ??= drain(deadLetterQueue(letters.sensor.name)));
      }),
      (error) => {
        assert(error instanceof ExitError);
        assert.match(error.message, /^Cannot tell of all dead letters: others took \d+ from/);
        return true;
      },
    );
    const others = (await taken!).length;
    assert.ok(others > 0 && others < count);
    assert.match(lines.at(-1)!, new RegExp(`^ +${count - others} .* undecodable$`));
    assert.equal((await letters.ids()).length, count - others);
  },
});
