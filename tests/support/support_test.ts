import assert from "node:assert/strict";
import { connect } from "amqplib";
import { Client } from "pg";
import { createTestDatabase, postgresUrl } from "./postgres.ts";
import { amqpUrl, uniqueQueue } from "./rabbitmq.ts";
import { waitUntil } from "./wait_until.ts";

Deno.test("waitUntil returns the first truthy value", async () => {
  let looks = 0;
  const value = await waitUntil(() => ++looks === 3 && "third", { what: "the third look" });
  assert.equal(value, "third");
});

Deno.test("waitUntil names what never came, and why", async () => {
  const broken = () => Promise.reject(new Error("no such row"));
  await assert.rejects(
    waitUntil(broken, { deadlineMs: 20, what: "a row" }),
    /^Error: Waited 20 ms for a row: Error: no such row$/,
  );
});

Deno.test({
  name: "createTestDatabase drops its database, even one in use",
  ignore: postgresUrl === undefined,
  async fn() {
    const names = async () => {
      const client = new Client({ connectionString: postgresUrl! });
      await client.connect();
      const { rows } = await client.query<{ datname: string }>("select datname from pg_database");
      await client.end();
      return rows.map(({ datname }) => datname);
    };
    const guest = { ended: false };
    let name: string;
    {
      await using database = await createTestDatabase();
      name = new URL(database.url).pathname.slice(1);
      const client = new Client({ connectionString: database.url });
      client.on("error", () => {});
      client.on("end", () => guest.ended = true);
      await client.connect();
      assert((await names()).includes(name));
    }
    assert(!(await names()).includes(name));
    await waitUntil(() => guest.ended, { what: "the guest's connection to end" });
  },
});

Deno.test({
  name: "uniqueQueue deletes its queue and its dead letters",
  ignore: amqpUrl === undefined,
  async fn() {
    const connection = await connect(amqpUrl!);
    const channel = await connection.createChannel();
    let name: string;
    {
      await using queue = uniqueQueue("support");
      name = queue.name;
      await channel.assertQueue(name);
      await channel.assertQueue(`${name}.dead`);
    }
    for (const queue of [name, `${name}.dead`]) {
      const { queue: declared } = await channel.assertQueue(queue, { durable: false });
      assert.equal(declared, queue, "declared anew with other properties, so it was gone");
      await channel.deleteQueue(queue);
    }
    await connection.close();
  },
});
