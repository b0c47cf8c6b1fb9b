/**
 * The least that carries readings from the queue to the table, to measure the
 * backend by: consume, decode, insert, ack. No checks, parking, dead letters,
 * reconnects, metrics or last-seen; one device unknown ends it.
 *
 *     bare_loop.ts AMQP_URL QUEUE PREFETCH BATCH WRITERS READINGS [DATABASE_URL]
 *
 * Prints `done` when so many readings are acked. Without a database it only
 * decodes.
 */
import process from "node:process";
import { fromBinary } from "@bufbuild/protobuf";
import { connect, type ConsumeMessage } from "amqplib";
import { Pool } from "pg";
import { SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import { valuesOf } from "#shared/telemetry/measures.ts";
import { tieBreak } from "../../services/backend/readings/tie_break.ts";
import {
  float8Array,
  int8Array,
  textArray,
  timestamptzArray,
} from "../../services/backend/store/connection/binary_array.ts";

const [amqpUrl, queue, prefetch, batchSize, writers, readings, databaseUrl] = Deno.args;
const maxRows = Number(batchSize);
const pool = databaseUrl === undefined
  ? undefined
  : new Pool({ connectionString: databaseUrl, max: Number(writers) });
const channel = await (await connect(amqpUrl!)).createChannel();
await channel.prefetch(Number(prefetch));

const insert = {
  name: "insert",
  text: `
    insert into sensor_readings
      (device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
    select * from unnest(
      $1::text[], $2::timestamptz[], $3::int8[], $4::float8[], $5::float8[], $6::float8[], $7::float8[]
    )
    on conflict do nothing`,
};

let batch: ConsumeMessage[] = [];
let previous = Promise.resolve();
let acked = 0;

function columns(messages: readonly ConsumeMessage[]): Uint8Array[] {
  const readings = messages.map(({ content }) => fromBinary(SensorReadingSchema, content));
  return [
    textArray(readings.map(({ deviceId }) => deviceId)),
    timestamptzArray(
      readings.map((r) => Number(r.timestamp) * 1_000_000 + Math.floor(r.nanos / 1_000)),
    ),
    int8Array(
      readings.map((r) => tieBreak(r.nanos % 1_000, valuesOf(r))),
    ),
    float8Array(readings.map(({ temperature }) => temperature)),
    float8Array(readings.map(({ humidity }) => humidity)),
    float8Array(readings.map(({ pressure }) => pressure)),
    float8Array(readings.map(({ batteryLevel }) => batteryLevel)),
  ];
}

async function settle(messages: readonly ConsumeMessage[], before: Promise<void>): Promise<void> {
  const values = columns(messages);
  await pool?.query({ ...insert, values });
  // One ack for all up to the last, so in their order.
  await before;
  channel.ack(messages.at(-1)!, true);
  acked += messages.length;
  if (acked >= Number(readings)) process.stdout.write("done\n");
}

function flush(): void {
  if (batch.length === 0) return;
  const full = batch;
  batch = [];
  previous = settle(full, previous);
}

await channel.consume(queue!, (message) => {
  if (message === null) throw new Error("the broker cancelled the consumer");
  batch.push(message);
  if (batch.length === maxRows) flush();
});
// The last batch is not full.
setInterval(flush, 100);
