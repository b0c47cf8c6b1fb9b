import type { Setting } from "#shared/config/setting.ts";
import { secretUrl, voiding } from "#shared/config/setting_kinds.ts";

/**
 * The setting of a service's broker.
 *
 * @param queueSettings those beside it that the in-process queue does not have.
 */
export function brokerUrl(doc: string, queueSettings: readonly string[]): Setting<URL> {
  return voiding(
    secretUrl(["amqp:", "amqps:", "memory:"], { doc, default: "amqp://localhost:5672" }),
    ({ protocol }) =>
      protocol === "memory:"
        ? { settings: queueSettings, instead: "amqp://USER:PASSWORD@HOST:PORT" }
        : undefined,
  );
}
