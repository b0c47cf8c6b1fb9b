import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { type Kysely, sql } from "kysely";
import { MemoryQueues } from "#shared/broker/memory/memory_queues.ts";
import { openBroker } from "#shared/broker/open_broker.ts";
import { type Broker, deadLetterQueue, type Delivery } from "#shared/broker/port/broker.ts";
import { ConfigError } from "#shared/config/config_error.ts";
import { openDatabase } from "../services/backend/store/connection/open_database.ts";
import type { Database } from "../services/backend/store/database.ts";
import { migrateToLatest } from "../services/backend/store/schema/migrate.ts";
import {
  backendConfig,
  metricOf,
  type RunningBackend,
  startBackend,
} from "./support/backend_run.ts";
import { databaseConfig } from "./support/database_config.ts";
import {
  type DeadMessage,
  ingestLoad,
  malformedDevices,
  malformedReadings,
  readingKey,
  refusedTemperature,
} from "./support/ingest_load.ts";
import { createTestDatabase, postgresUrl } from "./support/postgres.ts";
import { amqpUrl, uniqueQueue } from "./support/rabbitmq.ts";
import { countRows } from "./support/store_rows.ts";
import { tempPglite } from "./support/temp_pglite.ts";
import { waitUntil } from "./support/wait_until.ts";

const log = getLogger("ingest-test");
const withServers = { ignore: postgresUrl === undefined || amqpUrl === undefined };

/** Queues and a database of a test's own, and a way to run backends on them. */
interface Bench extends AsyncDisposable {
  readonly databaseUrl: string;
  readonly broker: Broker;
  readonly sensorQueue: string;
  readonly deviceQueue: string;
  start(flags?: Readonly<Record<string, string>>): Promise<RunningBackend>;
}

async function embedded(): Promise<Bench> {
  await using opening = new AsyncDisposableStack();
  const folder = opening.use(await tempPglite());
  return bench(opening.move(), folder.url, "memory://", "device-data", "sensor-data");
}

async function servers(databaseOptions = ""): Promise<Bench> {
  await using opening = new AsyncDisposableStack();
  const database = opening.use(await createTestDatabase(databaseOptions));
  const device = opening.use(uniqueQueue("device"));
  const sensor = opening.use(uniqueQueue("sensor"));
  return bench(opening.move(), database.url, amqpUrl!, device.name, sensor.name);
}

function bench(
  open: AsyncDisposableStack,
  databaseUrl: string,
  brokerUrl: string,
  deviceQueue: string,
  sensorQueue: string,
): Bench {
  const memoryQueues = new MemoryQueues();
  const broker = open.use(openBroker({
    url: new URL(brokerUrl),
    queues: { durable: true, type: "classic" },
    log,
    signal: new AbortController().signal,
    memoryQueues,
  }));
  const names = {
    "db-url": databaseUrl,
    "rabbitmq-url": brokerUrl,
    "rabbitmq-device-queue": deviceQueue,
    "rabbitmq-sensor-queue": sensorQueue,
    "ingest-sweep-interval": "200ms",
  };
  return {
    databaseUrl,
    broker,
    deviceQueue,
    sensorQueue,
    start: (flags = {}) => startBackend(backendConfig({ ...names, ...flags }), memoryQueues),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** Publishes in order, as fast as the broker takes it; resolves once all is confirmed. */
async function publish(
  { broker }: Bench,
  queue: string,
  bodies: readonly Uint8Array[],
  headers = {},
): Promise<void> {
  await using publisher = await broker.openPublisher({ queues: [queue], maxUnconfirmed: 1_000 });
  const confirmed: Promise<void>[] = [];
  for (const body of bodies) {
    await publisher.room();
    confirmed.push(publisher.publish(queue, { body, headers }));
  }
  await Promise.all(confirmed);
}

/** Takes dead letters of a queue, `count` or more. */
async function takeDeadLetters(
  { broker }: Bench,
  queue: string,
  count: number,
): Promise<readonly Delivery[]> {
  const found: Delivery[] = [];
  await using subscription = await broker.subscribe({
    queue: deadLetterQueue(queue),
    prefetch: 1_000,
    onDelivery: (delivery) => void found.push(delivery),
  });
  await waitUntil(() => found.length >= count, { what: `${count} dead letters` });
  subscription.ack(found);
  return found;
}

/**
 * As `takeDeadLetters`, passing over copies: a backend may be stopped after a
 * letter was confirmed and before its message is acked, which comes again.
 */
async function takeDistinctDeadLetters(
  bench: Bench,
  queue: string,
  count: number,
): Promise<readonly Delivery[]> {
  const distinct = new Map<string, Delivery>();
  while (distinct.size < count) {
    for (const letter of await takeDeadLetters(bench, queue, 1)) {
      distinct.set(letter.body.toHex(), letter);
    }
  }
  return [...distinct.values()];
}

const lettersOf = (messages: readonly DeadMessage[]) =>
  messages.map(({ body, reason }) => `${reason} ${body.length} ${[...body.subarray(0, 99)]}`)
    .toSorted();

function checkDeadLetters(found: readonly Delivery[], expected: readonly DeadMessage[]): void {
  const letters = found.map(({ body, headers }) => {
    assert.ok(String(headers["x-dead-letter-detail"]).length > 3);
    assert.ok(!Number.isNaN(Date.parse(String(headers["x-dead-letter-time"]))));
    return { body, reason: String(headers["x-dead-letter-reason"]) };
  });
  assert.deepEqual(lettersOf(letters), lettersOf(expected));
}

async function withDatabase<Result>(
  url: string,
  use: (db: Kysely<Database>) => Promise<Result>,
): Promise<Result> {
  await using database = await openDatabase(databaseConfig(url), log);
  await migrateToLatest(database.db, log);
  return await use(database.db);
}

/** Makes the database refuse one value that is in range. */
function refuseOneValue({ databaseUrl }: Bench): Promise<unknown> {
  return withDatabase(
    databaseUrl,
    (db) =>
      sql`alter table sensor_readings add check (temperature <> ${sql.lit(refusedTemperature)})`
        .execute(db),
  );
}

async function storedKeys(db: Kysely<Database>): Promise<readonly string[]> {
  const { rows } = await sql<
    { deviceId: string; seconds: number; nanos: number; temperature: number }
  >`
    select device_id as "deviceId", temperature,
      floor(extract(epoch from "timestamp"))::float8 as seconds,
      ((extract(microseconds from "timestamp")::bigint % 1000000) * 1000 + (tie_break >> 53))::float8
        as nanos
    from sensor_readings`.execute(db);
  return rows.map(readingKey).toSorted();
}

async function untilStored(db: Kysely<Database>, count: number): Promise<void> {
  await waitUntil(async () => await countRows(db, "sensor_readings") >= count, {
    what: `${count} readings to be stored`,
  });
}

async function checkStored(databaseUrl: string, stored: readonly string[]): Promise<void> {
  await withDatabase(databaseUrl, async (db) => {
    assert.deepEqual(await storedKeys(db), stored);
    assert.equal(await countRows(db, "parked_readings"), 0);
  });
}

/** Publishes everything, twice, with devices that come late and messages that are bad. */
async function storesAllOnce(bench: Bench): Promise<void> {
  await using _bench = bench;
  const { sensorQueue, deviceQueue, databaseUrl } = bench;
  const load = ingestLoad(50, 400);
  const badReadings = malformedReadings("device 0 🌡");
  const badDevices = malformedDevices();
  await refuseOneValue(bench);
  const half = load.readings.length >> 1;
  {
    await using backend = await bench.start();
    const settled = async (count: number) => {
      const metrics = [
        "ingest_duplicate_readings_total",
        "ingest_rows_stored_total",
        "ingest_dead_letters_total",
      ];
      const sums = await Promise.all(metrics.map((name) => metricOf(backend, name)));
      return sums.reduce((sum, value) => sum + value) >= count;
    };
    const untilSettled = (count: number) =>
      waitUntil(() => settled(count), { what: `${count} messages to be settled` });

    await publish(bench, deviceQueue, load.devices.slice(0, 25));
    await publish(bench, sensorQueue, load.readings.slice(0, half));
    // Known for certain by now, so that what is refused is not parked first.
    await untilSettled(25 + half);
    await publish(bench, sensorQueue, badReadings.map(({ body }) => body), { trace: "kept" });
    await publish(bench, deviceQueue, badDevices.map(({ body }) => body));
    await publish(bench, deviceQueue, load.devices.slice(25));
    await publish(bench, sensorQueue, load.readings.slice(half));
    const bad = badReadings.length + badDevices.length;
    const all = load.devices.length + load.readings.length + bad;
    await untilSettled(all);

    await publish(bench, deviceQueue, load.devices);
    await publish(bench, sensorQueue, load.readings);
    // One that a race parked beside its double is a duplicate once it is released.
    const duplicates = () => metricOf(backend, "ingest_duplicate_readings_total");
    const repeated = 2 * load.readings.length - load.stored.length;
    await waitUntil(async () => await duplicates() >= repeated, { what: `${repeated} duplicates` });
    // What a race between a device and its readings left parked.
    await waitUntil(
      async () =>
        await metricOf(backend, "ingest_released_readings_total") >=
          await parkedOnce(backend),
      { what: "parked readings to be released" },
    );
    assert.equal(await duplicates(), repeated);
  }
  await checkStored(databaseUrl, load.stored);
  const deadReadings = await takeDeadLetters(bench, sensorQueue, badReadings.length);
  checkDeadLetters(deadReadings, badReadings);
  assert.ok(deadReadings.every(({ headers }) => headers["trace"] === "kept"));
  checkDeadLetters(await takeDeadLetters(bench, deviceQueue, badDevices.length), badDevices);
}

async function parkedOnce({ addresses }: RunningBackend): Promise<number> {
  const text = await (await fetch(`${addresses["admin"]}/metrics`)).text();
  const line = text.split("\n").find((line) => line.includes('table="parked_readings"'));
  return Number(line?.slice(line.lastIndexOf(" ")) ?? 0);
}

Deno.test("The backend stores every reading once, on the embedded parts", async () => {
  await storesAllOnce(await embedded());
});

Deno.test({
  name: "The backend stores every reading once, on RabbitMQ and PostgreSQL",
  ...withServers,
  fn: async () => await storesAllOnce(await servers()),
});

Deno.test({
  name: "The backend loses and doubles nothing when it is stopped and started under load",
  ...withServers,
  async fn() {
    await using bench = await servers();
    const load = ingestLoad(50, 400);
    const bad = malformedReadings("device 0 🌡").filter(({ reason }) =>
      reason !== "refused_by_database"
    );
    await publish(bench, bench.sensorQueue, [...load.readings, ...bad.map(({ body }) => body)]);
    await withDatabase(bench.databaseUrl, async (db) => {
      for (let round = 1; round <= 6; round++) {
        await using _backend = await bench.start({ "ingest-batch-size": "200" });
        await publish(bench, bench.deviceQueue, load.devices.slice(0, round * 8));
        const enough = round * load.stored.length / 8;
        await waitUntil(
          async () =>
            await countRows(db, "sensor_readings") + await countRows(db, "parked_readings") >=
              enough,
          { what: `${enough} readings in round ${round}` },
        );
      }
      await using _backend = await bench.start();
      await publish(bench, bench.deviceQueue, load.devices);
      await untilStored(db, load.stored.length);
      checkDeadLetters(await takeDistinctDeadLetters(bench, bench.sensorQueue, bad.length), bad);
    });
    await checkStored(bench.databaseUrl, load.stored);
  },
});

Deno.test({
  name: "The backend loses and doubles nothing when its database sessions are cut under load",
  ...withServers,
  async fn() {
    await using bench = await servers();
    const load = ingestLoad(50, 400);
    await using _backend = await bench.start({ "ingest-batch-size": "100" });
    const published = Promise.all([
      publish(bench, bench.deviceQueue, load.devices),
      publish(bench, bench.sensorQueue, load.readings),
    ]);
    await withDatabase(bench.databaseUrl, async (db) => {
      for (let cut = 1; cut <= 8; cut++) {
        await untilStored(db, cut * load.stored.length / 10);
        await sql`
          select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and application_name = 'iot-backend'
            and pid <> pg_backend_pid()`.execute(db);
      }
      await published;
      await untilStored(db, load.stored.length);
    });
    await checkStored(bench.databaseUrl, load.stored);
  },
});

Deno.test({
  name: "Only what a database cannot hold is dead-lettered, such as an emoji in LATIN1",
  ...withServers,
  async fn() {
    await using bench = await servers("encoding 'LATIN1' locale 'C' template template0");
    const plain = ingestLoad(10, 30, "Zürich", "");
    const emoji = ingestLoad(1, 1, "Bern", " 🌡");
    const [reading] = emoji.readings;
    const [device] = emoji.devices;
    await using _backend = await bench.start();
    const half = plain.readings.length >> 1;
    await publish(bench, bench.sensorQueue, [
      ...plain.readings.slice(0, half),
      reading!,
      ...plain.readings.slice(half),
    ]);
    await publish(bench, bench.deviceQueue, [device!, ...plain.devices]);
    for (
      const [queue, body] of [[bench.sensorQueue, reading!], [bench.deviceQueue, device!]] as const
    ) {
      const found = await takeDeadLetters(bench, queue, 1);
      checkDeadLetters(found, [{ body, reason: "refused_by_database" }]);
    }
    await withDatabase(bench.databaseUrl, (db) => untilStored(db, plain.stored.length));
    await checkStored(bench.databaseUrl, plain.stored);
  },
});

Deno.test({
  name: "What is parked past its bounds is dead-lettered, and stored once when it is sent again",
  ...withServers,
  async fn() {
    await using bench = await servers();
    const load = ingestLoad(10, 30);
    await using backend = await bench.start({ "parked-max-readings": "100" });
    // Each once: what has gone to the dead letters and comes again is parked again.
    await publish(bench, bench.sensorQueue, [...new Set(load.readings)]);
    const over = load.stored.length - 100;
    const letters = await takeDeadLetters(bench, bench.sensorQueue, over);
    assert.ok(
      letters.every(({ headers }) => headers["x-dead-letter-reason"] === "parked_overflow"),
    );
    await withDatabase(bench.databaseUrl, async (db) => {
      await waitUntil(async () => await countRows(db, "parked_readings") === 100, {
        what: "100 readings to stay parked",
      });
      await publish(bench, bench.deviceQueue, load.devices);
      // Or those that are sent again could be too many that wait for their devices.
      await waitUntil(async () => await countRows(db, "iot_devices") === load.devices.length, {
        what: "every device to be known",
      });
      await publish(bench, bench.sensorQueue, letters.map(({ body }) => body));
      await untilStored(db, load.stored.length);
    });
    await checkStored(bench.databaseUrl, load.stored);
    const counted = () => metricOf(backend, "ingest_dead_letters_total");
    await waitUntil(async () => await counted() === over, {
      what: "the count of them",
    });
  },
});

Deno.test({
  name: "A dead letter's headers neither route copies of it nor stop the next",
  ...withServers,
  async fn() {
    await using bench = await servers();
    const { sensorQueue } = bench;
    await using _backend = await bench.start();
    const body = new Uint8Array([0xff]);
    const poison = [
      { CC: [sensorQueue], BCC: [sensorQueue] },
      { "!": "nothing" },
      { huge: "x".repeat(60_000) },
      { many: Array.from({ length: 5_000 }, (_, at) => at), table: { deep: { deeper: [null] } } },
      { when: { "!": "timestamp", value: 1 }, float: { "!": "double", value: -1e300 } },
      { text: "kept", whole: 7, yes: true },
    ];
    for (const headers of poison) {
      if ("!" in headers) continue; // the client that publishes here cannot send it either
      await publish(bench, sensorQueue, [body], headers);
    }
    const found = await takeDeadLetters(bench, sensorQueue, poison.length - 1);
    const last = found.at(-1)!.headers;
    assert.deepEqual([last["text"], last["whole"], last["yes"]], ["kept", 7, true]);
    // No copy came back: the next message is the next dead letter.
    await publish(bench, sensorQueue, [new Uint8Array([0xfe])]);
    const [next] = await takeDeadLetters(bench, sensorQueue, 1);
    assert.deepEqual([...next!.body], [0xfe]);
    assert.equal(found.length, poison.length - 1);
  },
});

Deno.test("The backend refuses a prefetch that no batch would fit in", async () => {
  await using bench = await embedded();
  await assert.rejects(
    bench.start({ "rabbitmq-prefetch": "99", "ingest-batch-size": "100" }),
    (error) => error instanceof ConfigError && /backend\.rabbitmq\.prefetch/.test(error.message),
  );
});
