import { getLogger } from "@logtape/logtape";
import { Registry } from "prom-client";
import { MemoryBroker } from "#shared/broker/memory/memory_broker.ts";
import { MemoryQueues } from "#shared/broker/memory/memory_queues.ts";
import { Fleet } from "../fleet/fleet.ts";
import { createGeneratorMetrics } from "../metrics.ts";
import { systemClock } from "./clock.ts";
import { Producer } from "./producer.ts";

const devices = 10_000;
const readings = 200_000;

/** A producer that is far behind, into a queue whose consumer acks at once: as fast as it goes. */
Deno.bench(`a producer sends ${readings} readings to the memory broker`, async () => {
  const broker = new MemoryBroker(new MemoryQueues(), { durable: true, type: "classic" });
  const publisher = await broker.openPublisher({ queues: ["d", "s"], maxUnconfirmed: 1_000 });
  const stop = new AbortController();
  let received = 0;
  const count = (queue: string) =>
    broker.subscribe({
      queue,
      prefetch: 1_000,
      onDelivery(delivery) {
        subscriptions[queue === "d" ? 0 : 1]!.ack([delivery]);
        if (queue === "s" && ++received === readings) stop.abort();
      },
    });
  const subscriptions = [await count("d"), await count("s")];
  let startedUs = 0;
  const producer = new Producer({
    publisher,
    maxUnconfirmed: 1_000,
    fleet: new Fleet(1),
    deviceQueue: "d",
    sensorQueue: "s",
    startUs: 1.8e15,
    fromUs: undefined,
    intervalUs: 1_000,
    count: undefined,
    devices,
    share: 0,
    shares: 1,
    metrics: createGeneratorMetrics(new Registry(), []),
    clock: {
      ...systemClock,
      // Runs a thousand times too fast, so that there is always more to send.
      nowUs: () =>
        1.8e15 + (performance.now() * 1_000 - (startedUs ||= performance.now() * 1_000)) * 1_000,
    },
    log: getLogger("bench"),
  });
  await producer.run(stop.signal);
});
