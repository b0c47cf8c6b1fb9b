import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import { getLogger } from "@logtape/logtape";
import { type Kysely, sql } from "kysely";
import { Registry } from "prom-client";
import type { Delivery, SubscriptionOptions } from "#shared/broker/port/broker.ts";
import { SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { eachDatabase, eachServer } from "../../../tests/support/each_database.ts";
import { untilOneWaits } from "../../../tests/support/row_lock.ts";
import { device, noonSeconds } from "../../../tests/support/store_rows.ts";
import { inTime, waitUntil } from "../../../tests/support/wait_until.ts";
import type { Database } from "../store/database.ts";
import { writeDevices } from "../store/devices/write_devices.ts";
import { FutureWatch } from "./clocks/future_watch.ts";
import { consumeQueue } from "./consume_queue.ts";
import { createIngestMetrics } from "./ingest_metrics.ts";
import { readingMessages } from "./reading_messages.ts";

const log = getLogger("reading-messages-test");

function reading(deviceId: string): Delivery {
  const body = toBinary(
    SensorReadingSchema,
    create(SensorReadingSchema, { deviceId, timestamp: BigInt(noonSeconds), pressure: 1_000 }),
  );
  return { body, headers: {}, contentType: undefined, redelivered: false };
}

/** An intake on `db`, to which the test delivers. */
async function intake(db: Kysely<Database>, signal: AbortSignal) {
  const noted: string[] = [];
  const acked: Delivery[] = [];
  const broker = {
    deliver: (_: Delivery) => {},
    subscribe({ onDelivery }: SubscriptionOptions) {
      broker.deliver = onDelivery;
      return Promise.resolve({
        ack: (deliveries: readonly Delivery[]) => void acked.push(...deliveries),
        cancel: () => Promise.resolve(),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      });
    },
  };
  const metrics = createIngestMetrics(new Registry());
  const kind = await readingMessages({
    db,
    tenantId: defaultTenant,
    lagging: {
      during: async (_tenantId, _rows, write, note) => note(await write()),
      note: (_tenantId, deviceId) => noted.push(deviceId),
    },
    future: new FutureWatch(log),
    metrics,
    signal,
  });
  const ingesting = await consumeQueue(kind, {
    broker,
    deadLetters: { publish: () => Promise.reject(new Error("nothing is malformed")) },
    metrics,
    log,
    queue: "readings",
    nowMs: () => noonSeconds * 1_000,
    prefetch: 10,
    maxRows: 3,
    maxWaitMs: 1,
    writers: 1,
  });
  return { ingesting, noted, acked, deliver: (delivery: Delivery) => broker.deliver(delivery) };
}

eachDatabase("readingMessages", {
  async "notes when devices were seen that it knows, and remembers no others"(db) {
    await writeDevices(db, defaultTenant, [device("known")]);
    const { ingesting, noted, acked, deliver } = await intake(db, new AbortController().signal);
    await using _ = ingesting;
    for (const id of ["made up", "known", "made up too"]) deliver(reading(id));
    await waitUntil(() => acked.length === 3, { what: "the readings to be written" });
    assert.deepEqual(noted, ["known"]);
  },
});

eachServer("readingMessages is told to stop", {
  async "while the database has it wait"(db) {
    await db.transaction().execute(async (other) => {
      await sql`lock table iot_devices`.execute(other);
      const stop = new AbortController();
      const starting = intake(db, stop.signal);
      await untilOneWaits(db);
      const reason = new Error("told to stop");
      stop.abort(reason);
      await assert.rejects(inTime(starting, "the end of the start"), reason);
    });
  },
});
