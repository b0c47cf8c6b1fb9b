import { ExitError } from "../../lifecycle/exit_error.ts";
import type { QueueOptions } from "./broker.ts";

/**
 * A queue exists with other properties than the settings ask for.
 *
 * @param property as RabbitMQ names it: `durable`, `x-queue-type`
 */
export function queueMismatch(queue: string, property: string, found: string): ExitError {
  const setting = settings[property];
  const change = setting === undefined ? "" : `set ${setting} to ${found}, or `;
  return new ExitError(
    `Cannot use queue ${queue}: it exists with ${property} = ${found}; ${change}delete the queue ` +
      "once it is empty",
  );
}

/** What chooses a property of a queue. */
const settings: Readonly<Record<string, string>> = {
  durable: "queue_durable",
  "x-queue-type": "queue_type",
};

/** @throws {ExitError} naming the first property that differs. */
export function checkQueueOptions(queue: string, found: QueueOptions, wanted: QueueOptions): void {
  if (found.durable !== wanted.durable) {
    throw queueMismatch(queue, "durable", String(found.durable));
  }
  if (found.type !== wanted.type) throw queueMismatch(queue, "x-queue-type", found.type);
}
