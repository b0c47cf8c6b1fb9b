import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { create, toBinary } from "@bufbuild/protobuf";
import { connect } from "amqplib";
import { Client } from "pg";
import { IoTDeviceSchema } from "#shared/gen/iot/v1/device_pb.ts";
import { SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import { LetterFixture } from "./support/dead_letters.ts";
import { createTestDatabase, postgresUrl } from "./support/postgres.ts";
import { amqpUrl } from "./support/rabbitmq.ts";
import { startTask } from "./support/task_process.ts";
import { waitUntil } from "./support/wait_until.ts";

Deno.test({
  name:
    "What the backend dead-lettered is replayed once: stored if it is good by now, or back again",
  ignore: postgresUrl === undefined || amqpUrl === undefined,
  async fn() {
    await using database = await createTestDatabase();
    await using letters = new LetterFixture();
    await using backend = startTask("backend", {
      env: {
        APP_BACKEND_DB_URL: database.url,
        APP_BACKEND_RABBITMQ_URL: amqpUrl!,
        APP_BACKEND_RABBITMQ_DEVICE_QUEUE: letters.device.name,
        APP_BACKEND_RABBITMQ_SENSOR_QUEUE: letters.sensor.name,
        APP_BACKEND_HOST: "127.0.0.1",
        APP_BACKEND_GRPC_PORT: "0",
        APP_BACKEND_METRICS_PORT: "0",
      },
    });
    await backend.printed(/Backend is ready/);
    await using client = await openClient(database.url);
    const stored = async () =>
      (await client.query("select count(*)::int as n from sensor_readings")).rows[0].n as number;

    const nowSeconds = BigInt(Math.floor(Date.now() / 1_000));
    const reading = (timestamp: bigint) =>
      toBinary(
        SensorReadingSchema,
        create(SensorReadingSchema, { deviceId: "d", timestamp, pressure: 1_000 }),
      );
    const device = create(IoTDeviceSchema, { deviceId: "d", lastSeen: nowSeconds });
    const far = reading(nowSeconds + 400_000n);
    await send(letters.device.name, toBinary(IoTDeviceSchema, device));
    await send(letters.sensor.name, far);
    const ids = () => letters.ids();
    await waitUntil(async () => (await ids()).length === 1, {
      what: "the reading of the future to be dead-lettered",
    });
    const [id] = await ids();

    // As if its time had come: the same kind of letter, with a body that is good by now.
    await letters.fill([{ body: reading(nowSeconds), reason: "out_of_range" }]);
    assert.deepEqual(await letters.run("replay"), ["Replayed 2, left 0."]);
    await waitUntil(async () => await stored() === 1 && (await ids()).length === 1, {
      what: "the good reading to be stored and the other to be back",
    });
    assert.deepEqual(await ids(), [id]);
    const shown = (await letters.run("show", { id: id! })).join("\n");
    assert.match(shown, /^replays {7}1$/m);
    assert.match(shown, new RegExp(`timestamp: ${nowSeconds + 400_000n}`));

    await letters.fill([{ body: reading(nowSeconds), reason: "out_of_range" }]);
    assert.deepEqual(await letters.run("replay", { limit: 2 }), ["Replayed 2, left 0."]);
    await waitUntil(
      async () => (await letters.run("list")).some((line) => / {2}2 {2}from_future/.test(line)),
      { what: "the letter to be back after its second replay" },
    );
    assert.equal(await stored(), 1);
    backend.kill("SIGTERM");
    const { code } = await backend.ended;
    assert.equal(code, 0, backend.output());
  },
});

async function openClient(url: string) {
  const client = new Client({ connectionString: url });
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

async function send(queue: string, body: Uint8Array): Promise<void> {
  const connection = await connect(amqpUrl!);
  const channel = await connection.createConfirmChannel();
  channel.sendToQueue(queue, Buffer.from(body), { persistent: true });
  await channel.waitForConfirms();
  await connection.close();
}
