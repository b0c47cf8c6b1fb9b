import assert from "node:assert/strict";
import { PGlite } from "@electric-sql/pglite";
import { connect } from "amqplib";
import { Client } from "pg";
import { measures } from "#shared/telemetry/measures.ts";
import { createTestDatabase, postgresUrl } from "./support/postgres.ts";
import { amqpUrl, uniqueQueue } from "./support/rabbitmq.ts";
import { startTask } from "./support/task_process.ts";
import { placePglite } from "./support/temp_pglite.ts";
import { waitUntil } from "./support/wait_until.ts";

/** What `verify --format=json` says of the whole. */
interface Verified {
  readonly whole: boolean;
  readonly readings: Readonly<Record<string, number>>;
  readonly rollups: Readonly<Record<string, number>>;
  readonly outside: number;
  readonly foreign: {
    readonly readings: number;
    readonly examples: readonly { readonly device_id: string; readonly readings: number }[];
  };
  readonly queues: Readonly<Record<string, number | null>> | null;
  readonly examples: readonly { readonly difference: string; readonly device_id: string }[];
}

/** Runs it, with permission to write in `folder` too: the embedded database locks its own. */
async function verify(args: readonly string[], folder?: string): Promise<Verified> {
  await using task = startTask("demo-app", {
    grants: folder === undefined ? [] : [`--allow-write=${folder}`],
    args: ["verify", "--format=json", ...args],
  });
  const { code } = await task.ended;
  const [line] = /^\{"whole".*$/m.exec(task.output()) ?? [];
  assert.ok(line !== undefined, task.output());
  const verified: Verified = JSON.parse(line);
  assert.equal(code, verified.whole ? 0 : 1, task.output());
  return verified;
}

/** The differences that were counted, without those that are 0. */
function differences({ readings }: Verified): Readonly<Record<string, number>> {
  const { expected: _, matched: __, ...others } = readings;
  return Object.fromEntries(Object.entries(others).filter(([, count]) => count > 0));
}

/** The row of a device's nth reading from the start, to be named in SQL. */
const nth = (turn: number) => `
  (device_id, "timestamp", tie_break) = (
    select device_id, "timestamp", tie_break from sensor_readings
    order by device_id, "timestamp", tie_break limit 1 offset ${turn}
  )`;
const measured = measures.map(({ column }) => column).join(", ");
const columns = `tie_break, ${measured}, device_id`;

/** Each spoils readings of the first device; 30 of a device are 5 s apart. */
const damage = {
  delete: `delete from sensor_readings where ${nth(3)}`,
  alter: `update sensor_readings set pressure = pressure + 0.01 where ${nth(5)}`,
  add: `insert into sensor_readings ("timestamp", ${columns})
    select "timestamp" + interval '1 second', ${columns} from sensor_readings where ${nth(20)}`,
  double: `insert into sensor_readings ("timestamp", ${columns})
    select "timestamp", tie_break + 1, ${measured}, device_id
    from sensor_readings where ${nth(0)}`,
  park: `with gone as (delete from sensor_readings where ${nth(9)} returning *)
    insert into parked_readings ("timestamp", ${columns}, refused)
    select "timestamp", ${columns}, 'so that the backend does not release it' from gone`,
  addOutside: `insert into sensor_readings ("timestamp", ${columns})
    select "timestamp" - interval '1 day', ${columns} from sensor_readings where ${nth(1)}`,
};

/** What the backend locks while it rolls up. */
const rollUpKey = "hashtextextended('iot-backend roll_up', 0)";

/** Readings of devices that the run does not have: two within its time, and one before. */
const stranger = [
  `insert into iot_devices select 'stranger', '', '', '', '', 0, 0, now(), now()`,
  `insert into sensor_readings ("timestamp", ${columns})
    select "timestamp" - past * interval '1 day', tie_break, ${measured}, 'stranger'
    from sensor_readings, generate_series(0, 1) past where ${nth(4)}`,
  `insert into parked_readings ("timestamp", ${columns}) select "timestamp", tie_break,
      ${measured}, 'nobody' from sensor_readings where ${nth(4)}`,
];

const devices = 20;
const count = 30;
const run = [`--num-devices=${devices}`, `--count=${count}`, "--start=2026-01-31T12:00:00Z"];

Deno.test("verify proves a run on the embedded database, and finds what is wrong with it", async () => {
  const data = await Deno.makeTempDir();
  const manifest = `${data}/run.yaml`;
  const stored = [`--manifest=${manifest}`, `--db-url=pglite://${data}/pglite`];
  await placePglite(`${data}/pglite`);
  try {
    {
      await using dev = startTask("dev", {
        grants: [`--allow-write=${data}`],
        args: [
          ...run,
          `--manifest=${manifest}`,
          `--db-url=pglite://${data}/pglite`,
          "--grpc-port=0",
          "--http-port=0",
          "--backend-metrics-port=0",
          "--generator-metrics-port=0",
          // What is packed can't be damaged by statements.
          "--history-compaction=false",
        ],
      });
      const [, pages] = await dev.printed(/Pages +(\S+)/);
      await dev.printed(/Stopped publishing/);
      // The run is over, and its pages are there to be looked at.
      assert.equal((await fetch(pages!).then(consumed)).status, 200);
      dev.kill("SIGINT");
      assert.equal((await dev.ended).code, 0, dev.output());
    }
    const whole = await verify(stored, data);
    assert.equal(whole.whole, true);
    assert.equal(whole.readings["matched"], devices * count);
    assert.deepEqual([whole.rollups["missing"], whole.rollups["wrong"]], [0, 0]);
    assert.equal(whole.queues, null);
    const pglite = await PGlite.create(`${data}/pglite`);
    try {
      for (const sql of Object.values(damage)) await pglite.query(sql);
    } finally {
      await pglite.close();
    }
    const spoilt = await verify(stored, data);
    assert.deepEqual(differences(spoilt), {
      missing: 1,
      doubled: 1,
      altered: 1,
      unexpected: 1,
      parked: 1,
    });
    assert.equal(spoilt.outside, 1);
  } finally {
    await Deno.remove(data, { recursive: true });
  }
});

async function consumed(response: Response): Promise<Response> {
  await response.body?.cancel();
  return response;
}

/** A backend on a database and queues of the test's own, and what a generator and verify need. */
async function startPipeline() {
  await using open = new AsyncDisposableStack();
  const database = open.use(await createTestDatabase());
  const sensor = open.use(uniqueQueue("verify-readings"));
  const device = open.use(uniqueQueue("verify-devices"));
  const folder = await Deno.makeTempDir();
  open.defer(() => Deno.remove(folder, { recursive: true }));
  const manifest = `${folder}/run.yaml`;
  const backend = open.use(startTask("backend", {
    args: [
      `--db-url=${database.url}`,
      `--rabbitmq-url=${amqpUrl}`,
      `--rabbitmq-sensor-queue=${sensor.name}`,
      `--rabbitmq-device-queue=${device.name}`,
      "--grpc-port=0",
      "--metrics-port=0",
    ],
  }));
  await backend.printed(/Backend is ready/);
  const client = new Client({ connectionString: database.url });
  await client.connect();
  open.defer(() => client.end());
  const owned = open.move();
  return {
    manifest,
    sensorQueue: sensor.name,
    client,
    generate: (args: readonly string[]) =>
      startTask("generator", {
        grants: [`--allow-write=${folder}`],
        args: [
          `--rabbitmq-url=${amqpUrl}`,
          `--sensor-queue=${sensor.name}`,
          `--device-queue=${device.name}`,
          `--manifest=${manifest}`,
          "--metrics-port=0",
          ...args,
        ],
      }),
    verify: (...args: readonly string[]) =>
      verify([
        `--manifest=${manifest}`,
        `--db-url=${database.url}`,
        `--rabbitmq-url=${amqpUrl}`,
        `--rabbitmq-sensor-queue=${sensor.name}`,
        `--rabbitmq-device-queue=${device.name}`,
        ...args,
      ]),
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}

/** Verifies until nothing is on its way any more; what arrives late is missing before. */
function untilWhole(verify: () => Promise<Verified>): Promise<Verified> {
  return waitUntil(async () => {
    const verified = await verify();
    return verified.whole && verified;
  }, { what: "the run to be whole" });
}

Deno.test({
  name: "verify proves a run on PostgreSQL and RabbitMQ, and tells each difference apart",
  ignore: postgresUrl === undefined || amqpUrl === undefined,
  async fn() {
    await using pipeline = await startPipeline();
    const { client, sensorQueue, verify } = pipeline;
    const generate = async () => {
      await using generator = pipeline.generate([...run, "--producer-count=3"]);
      assert.equal((await generator.ended).code, 0, generator.output());
    };
    await generate();
    const whole = await untilWhole(() => verify());
    assert.equal(whole.readings["expected"], devices * count);
    assert.deepEqual(Object.values(whole.queues!), [0, 0, 0, 0]);

    // Readings that are damaged by hand are not marked to be rolled up again: nor must they be rolled up.
    await client.query(`select pg_advisory_lock(${rollUpKey})`);
    for (
      const [sql, difference] of [
        [damage.delete, { missing: 1 }],
        [damage.alter, { altered: 1 }],
        [damage.add, { unexpected: 1 }],
        [damage.double, { doubled: 1 }],
        [damage.park, { parked: 1 }],
        [damage.addOutside, {}],
      ] as const
    ) {
      await client.query("create table kept as table sensor_readings");
      await client.query(sql);
      const spoilt = await verify();
      assert.deepEqual(differences(spoilt), difference, sql);
      assert.deepEqual(spoilt.examples.map(({ difference }) => difference), [
        ...Object.keys(difference),
      ]);
      await client.query("truncate sensor_readings, parked_readings");
      await client.query("insert into sensor_readings select * from kept");
      await client.query("drop table kept");
    }
    await client.query(`select pg_advisory_unlock(${rollUpKey})`);
    assert.equal((await verify()).whole, true);

    for (const sql of stranger) await client.query(sql);
    const foreign = {
      readings: 2,
      examples: [{ device_id: "stranger", readings: 1 }, { device_id: "nobody", readings: 1 }],
    };
    const beside = await verify();
    assert.deepEqual([beside.whole, differences(beside)], [false, {}]);
    assert.deepEqual(beside.foreign, foreign);
    const counted = await verify("--foreign=count");
    assert.deepEqual([counted.whole, counted.foreign], [true, foreign]);
    await client.query("delete from sensor_readings where device_id = 'stranger'");
    await client.query("truncate parked_readings");

    // The same run once more adds nothing, and mends what was lost.
    await client.query(damage.delete);
    await generate();
    await untilWhole(() => verify());
    const { rows } = await client.query("select count(*)::int as count from sensor_readings");
    assert.equal(rows[0].count, devices * count);

    const connection = await connect(amqpUrl!);
    try {
      const channel = await connection.createConfirmChannel();
      channel.sendToQueue(sensorQueue, Buffer.from("no reading"));
      await channel.waitForConfirms();
    } finally {
      await connection.close();
    }
    const dead = await waitUntil(async () => {
      const verified = await verify();
      return verified.queues![`${sensorQueue}.dead`] === 1 && verified;
    }, { what: "a dead letter" });
    assert.equal(dead.whole, true);
  },
});

Deno.test({
  name: "a run without end is whole after its generator was killed, started again and stopped",
  ignore: postgresUrl === undefined || amqpUrl === undefined,
  async fn() {
    await using pipeline = await startPipeline();
    const args = ["--num-devices=50", "--interval=100ms", "--producer-count=2"];
    const confirmedUntil = () =>
      /^confirmed_until: (\S+)$/m.exec(Deno.readTextFileSync(pipeline.manifest))?.[1];
    {
      await using killed = pipeline.generate(args);
      await killed.printed(/"Publishing"/);
      await waitUntil(confirmedUntil, { what: "a note of how far it is" });
      killed.kill("SIGKILL");
      await killed.ended;
    }
    const atKill = await untilWhole(() => pipeline.verify());
    {
      await using again = pipeline.generate(args);
      await again.printed(/"Publishing"/);
      const before = confirmedUntil();
      await waitUntil(() => confirmedUntil() !== before, {
        what: "another note",
      });
      again.kill("SIGTERM");
      assert.equal((await again.ended).code, 0, again.output());
    }
    const whole = await untilWhole(() => pipeline.verify());
    assert.ok(whole.readings["expected"]! > atKill.readings["expected"]!);
    // No gap where it was killed; what came after the end that it noted is outside.
    const { rows } = await pipeline.client.query(
      "select count(*)::int as count from sensor_readings",
    );
    assert.equal(rows[0].count, whole.readings["expected"]! + whole.outside);
  },
});
