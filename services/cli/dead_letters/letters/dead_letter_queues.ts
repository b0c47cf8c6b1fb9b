import type { Logger } from "@logtape/logtape";
import { deadLetterQueue } from "#shared/broker/port/broker.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import type { SingleConnection } from "../../queues/connect_once.ts";
import { queueSize } from "../../queues/queue_size.ts";

/** One of the two dead-letter queues. */
export interface DeadLetterQueue {
  readonly name: string;
  /** The queue that its letters come from. */
  readonly origin: string;
  readonly holds: "devices" | "readings";
  /** Letters in it at the start. */
  readonly letters: number;
}

/**
 * The dead-letter queues to work on, none of them declared by this.
 *
 * @throws {ExitError} if the filter names neither.
 */
export async function findDeadLetterQueues(
  link: SingleConnection,
  { deviceQueue, sensorQueue }: { readonly deviceQueue: string; readonly sensorQueue: string },
  wanted: string | undefined,
  log: Logger,
): Promise<readonly DeadLetterQueue[]> {
  const both = [
    { origin: deviceQueue, name: deadLetterQueue(deviceQueue), holds: "devices" as const },
    { origin: sensorQueue, name: deadLetterQueue(sensorQueue), holds: "readings" as const },
  ];
  const chosen = both.filter(({ origin, name }) =>
    wanted === undefined || wanted === origin || wanted === name
  );
  if (chosen.length === 0) {
    const names = both.map(({ origin }) => origin).join(" and ");
    throw new ExitError(
      `Cannot read the dead letters of ${wanted}: the backend's queues are ${names}`,
    );
  }
  const found: DeadLetterQueue[] = [];
  for (const queue of chosen) {
    const size = await queueSize(link, queue.name);
    if (size === undefined) continue;
    if (size.consumers > 0) {
      const { consumers } = size;
      log.warning("Others are reading the queue; what they hold is not seen here", {
        queue: queue.name,
        consumers,
      });
    }
    found.push({ ...queue, letters: size.messages });
  }
  return found;
}
