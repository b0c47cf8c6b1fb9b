import type { Logger } from "@logtape/logtape";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { AmqpBroker } from "./amqp/amqp_broker.ts";
import { MemoryBroker } from "./memory/memory_broker.ts";
import type { MemoryQueues } from "./memory/memory_queues.ts";
import type { Broker, QueueOptions } from "./port/broker.ts";

export interface BrokerOptions {
  readonly url: URL;
  readonly queues: QueueOptions;
  readonly log: Logger;
  /** Ends the wait for a broker that is away. */
  readonly signal: AbortSignal;
  readonly memoryQueues: MemoryQueues | undefined;
}

/** The broker that the URL names: `amqp://…`, `amqps://…` or `memory://`. */
export function openBroker({ url, queues, log, signal, memoryQueues }: BrokerOptions): Broker {
  if (url.protocol !== "memory:") return new AmqpBroker({ url, queues, log, signal });
  if (memoryQueues === undefined) {
    throw new ExitError(
      "Cannot open memory://: it joins services of one process, so it serves only the command " +
        "dev; set an amqp:// URL",
    );
  }
  return new MemoryBroker(memoryQueues, queues);
}
