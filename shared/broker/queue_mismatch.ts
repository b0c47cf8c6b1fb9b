import { StartError } from "#shared/lifecycle/start_error.ts";
import type { QueueOptions } from "./broker.ts";

const settings: Readonly<Record<string, string>> = {
  durable: "queue_durable",
  "x-queue-type": "queue_type",
};

/**
 * A queue exists with other properties than the settings ask for.
 *
 * @param property as RabbitMQ names it: `durable`, `x-queue-type`
 */
export function queueMismatch(queue: string, property: string, found: string): StartError {
  const setting = settings[property];
  const mend = setting === undefined ? "" : `set ${setting} to ${found}, or `;
  return new StartError(
    `Cannot use queue ${queue}: it exists with ${property} = ${found}; ${mend}` +
      "delete the queue once it is empty",
  );
}

/** @throws {StartError} naming the first property that differs. */
export function checkQueueOptions(queue: string, found: QueueOptions, wanted: QueueOptions): void {
  if (found.durable !== wanted.durable) {
    throw queueMismatch(queue, "durable", String(found.durable));
  }
  if (found.type !== wanted.type) throw queueMismatch(queue, "x-queue-type", found.type);
}
