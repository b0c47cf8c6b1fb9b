import assert from "node:assert/strict";
import { fromBinary } from "@bufbuild/protobuf";
import { getLogger } from "@logtape/logtape";
import { MemoryBroker } from "#shared/broker/memory/memory_broker.ts";
import { MemoryQueues } from "#shared/broker/memory/memory_queues.ts";
import type { Delivery } from "#shared/broker/port/broker.ts";
import { flattenSettings } from "#shared/config/flatten_settings.ts";
import { loadConfig } from "#shared/config/load_config.ts";
import { IoTDeviceSchema } from "#shared/gen/iot/v1/device_pb.ts";
import { SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { inTime } from "../../tests/support/wait_until.ts";
import { generatorSettings } from "./config.ts";
import { runGenerator } from "./main.ts";

const log = getLogger("generator-test");

function configOf(flags: Readonly<Record<string, string>>) {
  const known = flattenSettings(generatorSettings).map(({ flag }) => flag);
  assert.ok(Object.keys(flags).every((flag) => known.includes(flag)));
  return loadConfig("generator", generatorSettings, {
    flags: new Map(
      Object.entries({
        "rabbitmq-url": "memory://",
        "host": "127.0.0.1",
        "metrics-port": "0",
        ...flags,
      }),
    ),
    strayArguments: [],
    environment: {},
    configFile: undefined,
    readTextFile: () => "",
  }).generator;
}

/** What arrives in the queues of a generator, and promises of its devices and first readings. */
async function receive(queues: MemoryQueues, devices: number, readings: number) {
  const broker = new MemoryBroker(queues, { durable: true, type: "classic" });
  const deviceIds: string[] = [];
  const readingIds: string[] = [];
  const enough = Promise.withResolvers<void>();
  const look = () => {
    if (deviceIds.length >= devices && readingIds.length >= readings) enough.resolve();
  };
  const deviceSubscription = await broker.subscribe({
    queue: "device-data",
    prefetch: 100,
    onDelivery(delivery) {
      deviceIds.push(fromBinary(IoTDeviceSchema, delivery.body).deviceId);
      deviceSubscription.ack([delivery]);
      look();
    },
  });
  const readingSubscription = await broker.subscribe({
    queue: "sensor-data",
    prefetch: 100,
    onDelivery(delivery) {
      const { deviceId, timestamp, nanos } = fromBinary(SensorReadingSchema, delivery.body);
      readingIds.push(`${deviceId}@${timestamp}.${nanos}`);
      readingSubscription.ack([delivery]);
      look();
    },
  });
  return { deviceIds, readingIds, enough: enough.promise };
}

Deno.test("runGenerator publishes every device and its readings, reports them, and stops clean", async () => {
  const memoryQueues = new MemoryQueues();
  const received = await receive(memoryQueues, 20, 200);
  const stop = new AbortController();
  const ready = Promise.withResolvers<Readonly<Record<string, string>>>();
  const running = runGenerator(
    configOf({ "num-devices": "20", "producer-count": "3", "interval": "10ms" }),
    { log, signal: stop.signal, memoryQueues, onReady: ready.resolve },
  );
  const { admin } = await Promise.race([
    ready.promise,
    running.then(() => assert.fail("it ended")),
  ]);
  await Promise.race([received.enough, running]);
  assert.equal((await answer(`${admin}/healthz`)).status, 200);
  const readiness = await answer(`${admin}/readyz`);
  assert.equal(readiness.status, 200);
  assert.deepEqual(JSON.parse(readiness.body), {
    status: "ok",
    checks: {},
    dependencies: { broker: "ok" },
  });
  const { body } = await answer(`${admin}/metrics`);
  for (
    const name of [
      "generator_readings_published_total",
      "generator_devices_published_total",
      "generator_publish_failures_total",
      "generator_unconfirmed",
      "generator_lag_seconds",
      "generator_publish_duration_seconds_count",
    ]
  ) {
    assert.match(body, new RegExp(`^${name}\\{.*service="generator".*\\} [0-9.e-]+$`, "m"));
  }
  assert.match(body, /^generator_devices_published_total\S* 20$/m);
  stop.abort();
  await running;
  assert.equal(new Set(received.deviceIds).size, 20);
  assert.equal(received.deviceIds.length, 20);
  assert.equal(new Set(received.readingIds).size, received.readingIds.length);
  const devices = new Set(received.readingIds.map((reading) => reading.split("@")[0]!));
  assert.deepEqual(devices, new Set(received.deviceIds));
  await assert.rejects(fetch(`${admin}/healthz`), TypeError);
});

Deno.test("runGenerator with a count ends by itself, and gives the same bytes from the same manifest", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const published: string[][] = [];
    const manifests: string[] = [];
    for (const producers of ["1", "3"]) {
      const memoryQueues = new MemoryQueues();
      const path = `${folder}/${producers}.yaml`;
      await runGenerator(
        configOf({
          "num-devices": "7",
          "count": "30",
          "interval": "5s",
          "start": "2026-01-31T12:00:00Z",
          "producer-count": producers,
          "manifest": path,
        }),
        { log, signal: new AbortController().signal, memoryQueues },
      );
      const bodies = [
        ...await drain(memoryQueues, "device-data", 7),
        ...await drain(memoryQueues, "sensor-data", 7 * 30),
      ];
      published.push(bodies.sort());
      manifests.push(await Deno.readTextFile(path));
    }
    assert.equal(published[0]!.length, 7 + 7 * 30);
    assert.equal(new Set(published[0]).size, 7 + 7 * 30);
    assert.deepEqual(published[1], published[0]);
    assert.equal(manifests[1], manifests[0]);
    assert.match(manifests[0]!, /^start: 2026-01-31T12:00:00.000000Z$/m);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** The bodies of the messages that wait in a queue, which are that many, as hexadecimal. */
async function drain(queues: MemoryQueues, queue: string, messages: number): Promise<string[]> {
  const options = { durable: true, type: "classic" } as const;
  const broker = new MemoryBroker(queues, options);
  const deliveries: Delivery[] = [];
  const all = Promise.withResolvers<void>();
  const subscription = await broker.subscribe({
    queue,
    prefetch: messages + 1,
    onDelivery(delivery) {
      deliveries.push(delivery);
      if (deliveries.length === messages) all.resolve();
    },
  });
  await all.promise;
  subscription.ack(deliveries);
  await subscription[Symbol.asyncDispose]();
  assert.equal(deliveries.length + queues.declare(queue, options).length, messages);
  return deliveries.map(({ body }) => body.toHex());
}

Deno.test("runGenerator shows how far a run with an end has come, and takes that away", async () => {
  const stop = new AbortController();
  const drawn: string[] = [];
  const first = Promise.withResolvers<void>();
  const draw = (line: string) => {
    drawn.push(line);
    first.resolve();
  };
  const running = runGenerator(
    configOf({ "num-devices": "10", "count": "1000", "interval": "1h" }),
    {
      log,
      signal: stop.signal,
      memoryQueues: new MemoryQueues(),
      terminal: { columns: 100, draw },
    },
  );
  await inTime(Promise.race([first.promise, running]), "a bar");
  stop.abort();
  await running;
  assert.match(drawn[0]!, /^Publishing readings .* of 10,000 /);
  assert.equal(drawn.at(-1), "");
});

Deno.test("runGenerator ends at once when it is stopped before it starts", async () => {
  await runGenerator(configOf({}), {
    log,
    signal: AbortSignal.abort(),
    memoryQueues: new MemoryQueues(),
  });
});

Deno.test("runGenerator has no more producers than devices", async () => {
  const memoryQueues = new MemoryQueues();
  const received = await receive(memoryQueues, 2, 40);
  const stop = new AbortController();
  const running = runGenerator(
    configOf({ "num-devices": "2", "producer-count": "8", "interval": "5ms" }),
    { log, signal: stop.signal, memoryQueues },
  );
  await Promise.race([received.enough, running]);
  stop.abort();
  await running;
  assert.equal(received.deviceIds.length, 2);
  const devices = new Set(received.readingIds.map((reading) => reading.split("@")[0]!));
  assert.deepEqual(devices, new Set(received.deviceIds));
});

Deno.test("runGenerator refuses a port in use, and names its setting", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await assert.rejects(
    runGenerator(configOf({ "metrics-port": String(taken.addr.port) }), {
      log,
      signal: new AbortController().signal,
      memoryQueues: new MemoryQueues(),
    }),
    (error) => error instanceof ExitError && /generator\.metrics_port/.test(error.message),
  );
});

Deno.test("runGenerator refuses queues that exist with other properties", async () => {
  const memoryQueues = new MemoryQueues();
  memoryQueues.declare("sensor-data", { durable: false, type: "classic" });
  await assert.rejects(
    runGenerator(configOf({ "producer-count": "4" }), {
      log,
      signal: new AbortController().signal,
      memoryQueues,
    }),
    (error) => error instanceof ExitError && /sensor-data.*durable/.test(error.message),
  );
});

Deno.test("runGenerator refuses memory:// on its own", async () => {
  await assert.rejects(
    runGenerator(configOf({}), { log, signal: new AbortController().signal }),
    ExitError,
  );
});

Deno.test("runGenerator is ready while its broker is away, and says that it is", async () => {
  const metricsPort = freePort();
  const stop = new AbortController();
  const running = runGenerator(
    configOf({
      // Nobody listens there.
      "rabbitmq-url": "amqp://127.0.0.1:1",
      "metrics-port": String(metricsPort),
    }),
    { log, signal: stop.signal, onReady: () => assert.fail("it is not ready") },
  );
  const admin = `http://127.0.0.1:${metricsPort}`;
  assert.equal((await answer(`${admin}/healthz`)).status, 200);
  const readiness = await answer(`${admin}/readyz`);
  assert.equal(readiness.status, 200);
  assert.deepEqual(JSON.parse(readiness.body).dependencies, { broker: "down" });
  assert.match((await answer(`${admin}/metrics`)).body, /^generator_lag_seconds\S* 0$/m);
  stop.abort();
  await running;
});

/** A port that was free a moment ago: a service that is not ready tells no one the one it took. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function answer(url: string): Promise<{ readonly status: number; readonly body: string }> {
  const response = await fetch(url);
  return { status: response.status, body: await response.text() };
}
