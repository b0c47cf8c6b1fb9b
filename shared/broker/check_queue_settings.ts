import { ConfigError } from "#shared/config/config_error.ts";
import type { QueueOptions } from "./port/broker.ts";

/**
 * @param section of the two settings, such as `backend.rabbitmq`
 * @throws {ConfigError} for a quorum queue that is not durable, which RabbitMQ does not have.
 */
export function checkQueueSettings(
  command: string,
  section: string,
  { durable, type }: QueueOptions,
): void {
  if (type !== "quorum" || durable) return;
  throw new ConfigError(command, [{
    key: `${section}.queue_durable`,
    value: "false",
    problem: `expected true, as ${section}.queue_type is quorum: such queues are always durable`,
  }]);
}
