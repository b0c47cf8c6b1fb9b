import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import { getLogger } from "@logtape/logtape";
import { Registry } from "prom-client";
import type { Delivery, SubscriptionOptions } from "#shared/broker/broker.ts";
import { SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import { eachDatabase } from "../../../tests/support/each_database.ts";
import { device, noonSeconds } from "../../../tests/support/store_rows.ts";
import { waitUntil } from "../../../tests/support/wait_until.ts";
import { writeDevices } from "../store/write_devices.ts";
import { FutureWatch } from "./future_watch.ts";
import { createIngestMetrics } from "./ingest_metrics.ts";
import { ingestReadings } from "./ingest_readings.ts";

const log = getLogger("ingest-readings-test");

function reading(deviceId: string): Delivery {
  const body = toBinary(
    SensorReadingSchema,
    create(SensorReadingSchema, { deviceId, timestamp: BigInt(noonSeconds), pressure: 1_000 }),
  );
  return { body, headers: {}, contentType: undefined, redelivered: false };
}

eachDatabase("ingestReadings", {
  async "notes when devices were seen that it knows, and remembers no others"(db) {
    await writeDevices(db, [device("known")]);
    const noted: string[] = [];
    let acked = 0;
    let deliver: SubscriptionOptions["onDelivery"] = () => {};
    await using _ingesting = await ingestReadings({
      db,
      broker: {
        subscribe({ onDelivery }) {
          deliver = onDelivery;
          return Promise.resolve({
            ack: (deliveries) => acked += deliveries.length,
            cancel: () => Promise.resolve(),
            [Symbol.asyncDispose]: () => Promise.resolve(),
          });
        },
      },
      deadLetters: { publish: () => Promise.reject(new Error("nothing is malformed")) },
      lastSeen: { note: (deviceId) => noted.push(deviceId) },
      future: new FutureWatch(log),
      metrics: createIngestMetrics(new Registry()),
      log,
      queue: "readings",
      nowMs: () => noonSeconds * 1_000,
      prefetch: 10,
      maxRows: 3,
      maxWaitMs: 1,
      writers: 1,
    });
    for (const id of ["made up", "known", "made up too"]) deliver(reading(id));
    await waitUntil(() => acked === 3, { what: "the readings to be written" });
    assert.deepEqual(noted, ["known"]);
  },
});
