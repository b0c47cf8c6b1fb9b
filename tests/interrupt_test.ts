import assert from "node:assert/strict";
import { connect } from "amqplib";
import { Client } from "pg";
import { tieBreak } from "../services/backend/readings/tie_break.ts";
import { Fleet } from "../services/generator/fleet/fleet.ts";
import { createTestDatabase, postgresUrl } from "./support/postgres.ts";
import { amqpUrl, uniqueQueue } from "./support/rabbitmq.ts";
import { startTask, type TaskProcess } from "./support/task_process.ts";
import { waitUntil } from "./support/wait_until.ts";

const devices = 20;
const intervalMs = 50;

interface StoredReading {
  readonly device_id: string;
  readonly micros: string;
  readonly tie_break: string;
}

Deno.test({
  name: "A pipeline whose services are interrupted at any moment loses and doubles nothing",
  ignore: postgresUrl === undefined || amqpUrl === undefined,
  async fn() {
    await using database = await createTestDatabase();
    await using deviceQueue = uniqueQueue("interrupt-devices");
    await using sensorQueue = uniqueQueue("interrupt-readings");
    await using open = new AsyncDisposableStack();
    const client = new Client({ connectionString: database.url });
    const stored = async () => {
      const { rows } = await client.query("select count(*)::int as n from sensor_readings");
      return rows[0].n as number;
    };
    const startBackend = () =>
      open.use(startTask("backend", {
        env: {
          APP_BACKEND_DB_URL: database.url,
          APP_BACKEND_RABBITMQ_URL: amqpUrl!,
          APP_BACKEND_RABBITMQ_DEVICE_QUEUE: deviceQueue.name,
          APP_BACKEND_RABBITMQ_SENSOR_QUEUE: sensorQueue.name,
          APP_BACKEND_INGEST_BATCH_SIZE: "50",
          APP_BACKEND_HOST: "127.0.0.1",
          APP_BACKEND_GRPC_PORT: "0",
          APP_BACKEND_METRICS_PORT: "0",
        },
      }));
    const startGenerator = () =>
      open.use(startTask("generator", {
        env: {
          APP_GENERATOR_RABBITMQ_URL: amqpUrl!,
          APP_GENERATOR_DEVICE_QUEUE: deviceQueue.name,
          APP_GENERATOR_SENSOR_QUEUE: sensorQueue.name,
          APP_GENERATOR_HOST: "127.0.0.1",
          APP_GENERATOR_METRICS_PORT: "0",
        },
        args: [`--num-devices=${devices}`, `--interval=${intervalMs}ms`, "--seed=7"],
      }));

    let generator = startGenerator();
    let backend = startBackend();
    await backend.printed(/Backend is ready/);
    await client.connect();
    open.defer(() => client.end());

    /** Lets the pipeline work until some more readings are stored, so that it is in mid-flow. */
    const flow = async () => {
      const before = await stored();
      await waitUntil(async () => await stored() > before + 100, {
        what: "more readings to be stored",
      });
    };
    await flow();
    for (const signal of ["SIGKILL", "SIGTERM", "SIGKILL", "SIGKILL"] as const) {
      backend.kill(signal);
      const { code } = await backend.ended;
      if (signal === "SIGTERM") assert.equal(code, 0, backend.output());
      backend = startBackend();
      await backend.printed(/Backend is ready/);
      await flow();
    }
    for (let kill = 0; kill < 2; kill++) {
      await killInMidWrite(backend, client, database.url);
      backend = startBackend();
      await backend.printed(/Backend is ready/);
      await flow();
    }
    let generatorRuns = 1;
    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      generator.kill(signal);
      const { code } = await generator.ended;
      if (signal === "SIGTERM") assert.equal(code, 0, generator.output());
      generator = startGenerator();
      generatorRuns++;
      await generator.printed(/"Publishing"/);
      await flow();
    }
    await stopWell(generator);
    const empty = () => isEmpty([deviceQueue.name, sensorQueue.name]);
    await waitUntil(empty, { what: "the queues to be empty" });
    await stopWell(backend);
    // What it could not settle in its time to stop is for the next one.
    for (let next = 0; next < 10 && !await empty(); next++) {
      backend = startBackend();
      await waitUntil(empty, { what: "the queues to be empty again" });
      await stopWell(backend);
    }

    const { rows } = await client.query<StoredReading>(
      `select device_id, (extract(epoch from "timestamp") * 1000000)::bigint::text as micros,
        tie_break::text from sensor_readings order by 1, 2`,
    );
    const parked = await client.query("select from parked_readings");
    assert.equal(parked.rowCount, 0);
    checkReadings(rows, generatorRuns);
    assert.ok(await isEmpty([deviceQueue.name, sensorQueue.name]));
  },
});

/** Kills the backend while its write waits for a lock, and the write with it. */
async function killInMidWrite(backend: TaskProcess, client: Client, url: string): Promise<void> {
  const locker = new Client({ connectionString: url });
  await locker.connect();
  await locker.query("begin");
  await locker.query("lock table sensor_readings in exclusive mode");
  const sessions = `from pg_stat_activity
    where datname = current_database() and application_name = 'iot-backend'`;
  const some = async (sql: string) => (await client.query(sql)).rowCount !== 0;
  await waitUntil(() => some(`select ${sessions} and wait_event_type = 'Lock'`), {
    what: "a write to wait for the lock",
  });
  backend.kill("SIGKILL");
  await backend.ended;
  await client.query(`select pg_terminate_backend(pid) ${sessions}`);
  await waitUntil(async () => !await some(`select ${sessions}`), {
    what: "the sessions of the killed backend to end",
  });
  await locker.end();
}

async function stopWell(service: TaskProcess): Promise<void> {
  service.kill("SIGTERM");
  const { code } = await service.ended;
  assert.equal(code, 0, service.output());
}

/** Whether the queues hold nothing; a consumer that went gave back what it had not acked. */
async function isEmpty(queues: readonly string[]): Promise<boolean> {
  const connection = await connect(amqpUrl!);
  try {
    const channel = await connection.createChannel();
    let messages = 0;
    for (const queue of queues) messages += (await channel.checkQueue(queue)).messageCount;
    return messages === 0;
  } finally {
    await connection.close();
  }
}

/**
 * Every device has a reading for each of its turns between its first and its
 * last, once, with the values that the fleet computes for that instant; turns
 * are missing only while no generator ran.
 */
function checkReadings(rows: readonly StoredReading[], generatorRuns: number): void {
  const fleet = new Fleet(7);
  const byDevice = Map.groupBy(rows, ({ device_id }) => device_id);
  assert.equal(byDevice.size, devices);
  for (let index = 0; index < devices; index++) {
    const readings = byDevice.get(fleet.device(index, 0).deviceId) ?? [];
    let gaps = 0;
    for (const [at, { micros, tie_break }] of readings.entries()) {
      const expected = fleet.reading(index, Number(micros));
      const { temperature, humidity, pressure, batteryLevel } = expected;
      assert.equal(
        tie_break,
        String(tieBreak(0, [temperature, humidity, pressure, batteryLevel])),
        `reading of device ${index} at ${micros} is not the fleet's`,
      );
      if (at === 0) continue;
      const apartMs = (Number(micros) - Number(readings[at - 1]!.micros)) / 1_000;
      assert.ok(apartMs > 0 && apartMs % intervalMs === 0, `${apartMs} ms apart`);
      if (apartMs > intervalMs) gaps++;
    }
    assert.ok(gaps < generatorRuns, `device ${index} has ${gaps} gaps, with ${generatorRuns} runs`);
  }
}
