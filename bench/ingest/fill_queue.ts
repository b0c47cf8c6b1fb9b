import type { ConfirmChannel } from "amqplib";
import type { Site } from "./site.ts";
import { encode, readingsOf, type Workload } from "./workload.ts";

/** Messages between two waits for the broker's confirms. */
const chunk = 5_000;

/** Publishes the readings, persistent, and resolves once all are in the queue. */
export async function fillQueue(site: Site, workload: Workload): Promise<void> {
  const channel = await site.broker.createConfirmChannel();
  await channel.purgeQueue(site.sensorQueue);
  let sent = 0;
  for (const reading of readingsOf(workload)) {
    publishReading(channel, site.sensorQueue, encode(reading));
    if (++sent % chunk === 0) await channel.waitForConfirms();
  }
  await channel.waitForConfirms();
  await channel.close();
}

/** As a producer does: persistent, to the queue by name. */
export function publishReading(
  channel: Pick<ConfirmChannel, "publish">,
  queue: string,
  body: ReturnType<typeof encode>,
): boolean {
  return channel.publish("", queue, body, {
    persistent: true,
    contentType: "application/protobuf",
  });
}
