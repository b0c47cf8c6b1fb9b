import { StartError } from "#shared/lifecycle/start_error.ts";
import type { QueueOptions } from "./broker.ts";

/**
 * A queue exists with other properties than the settings ask for.
 *
 * @param property as RabbitMQ names it: `durable`, `x-queue-type`
 */
export function queueMismatch(queue: string, property: string, found: string): StartError {
  const setting = property === "durable" ? "queue_durable" : "queue_type";
  return new StartError(
    `Cannot use queue ${queue}: it exists with ${property} = ${found}; set ${setting} to ` +
      `${found}, or delete the queue once it is empty`,
  );
}

/** @throws {StartError} naming the first property that differs. */
export function checkQueueOptions(queue: string, found: QueueOptions, wanted: QueueOptions): void {
  if (found.durable !== wanted.durable) {
    throw queueMismatch(queue, "durable", String(found.durable));
  }
  if (found.type !== wanted.type) throw queueMismatch(queue, "x-queue-type", found.type);
}
