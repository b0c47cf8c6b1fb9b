import { toBinary } from "@bufbuild/protobuf";
import { type Publisher, PublishError } from "#shared/broker/port/broker.ts";
import { IoTDeviceSchema } from "#shared/gen/iot/v1/device_pb.ts";
import { SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { GeneratorMetrics } from "../metrics.ts";

/** A message that can be made again at any time: nothing else is kept of it. */
export interface Outgoing {
  readonly kind: "device" | "reading";
  readonly device: number;
  /** Of a reading, when it is due; of a device, when it was last seen. */
  readonly instantUs: number;
}

export interface OutboxOptions {
  readonly publisher: Pick<Publisher, "publish">;
  readonly fleet: Fleet;
  readonly deviceQueue: string;
  readonly sensorQueue: string;
  readonly metrics: GeneratorMetrics;
}

/** Sends messages, and keeps those that the broker refused until they are sent again. */
export class Outbox {
  readonly #options: OutboxOptions;
  /** In order; a set, since an array of many is slow to take the first of. */
  readonly #refused = new Set<Outgoing>();
  readonly #inFlight = new Set<Outgoing>();
  #idle: PromiseWithResolvers<void> | undefined;
  /** Why no message will ever get through, if that is so. */
  fatal: unknown;
  confirmedDevices = 0;
  confirmedReadings = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  get refused(): ReadonlySet<Outgoing> {
    return this.#refused;
  }

  /** When the oldest reading that is not confirmed was due; Infinity if none is. */
  get oldestUnconfirmedUs(): number {
    let oldestUs = Infinity;
    for (const messages of [this.#inFlight, this.#refused]) {
      for (const { kind, instantUs } of messages) {
        if (kind === "reading") oldestUs = Math.min(oldestUs, instantUs);
      }
    }
    return oldestUs;
  }

  /** @param timed whether to report how long its confirm takes. */
  send(message: Outgoing, timed: boolean): void {
    const { publisher, deviceQueue, sensorQueue, metrics } = this.#options;
    const sentMs = timed ? performance.now() : 0;
    this.#inFlight.add(message);
    publisher.publish(message.kind === "device" ? deviceQueue : sensorQueue, {
      body: this.#encode(message),
    }).then(() => {
      if (timed) metrics.publishDuration.observe((performance.now() - sentMs) / 1_000);
      if (message.kind === "device") {
        this.confirmedDevices++;
        metrics.devices.inc();
      } else {
        this.confirmedReadings++;
        metrics.readings.inc();
      }
      this.#settle(message);
    }, (error: unknown) => {
      metrics.failures.inc({ reason: error instanceof PublishError ? "refused" : "other" });
      if (error instanceof ExitError) this.fatal ??= error;
      this.#refused.add(message);
      this.#settle(message);
    });
  }

  /** Sends the first refused message again. */
  resendOne(): void {
    for (const message of this.#refused) {
      this.#refused.delete(message);
      return this.send(message, false);
    }
  }

  /** Resolves once no message awaits its confirm. */
  idle(): Promise<void> {
    if (this.#inFlight.size === 0) return Promise.resolve();
    this.#idle ??= Promise.withResolvers<void>();
    return this.#idle.promise;
  }

  #settle(message: Outgoing): void {
    this.#inFlight.delete(message);
    if (this.#inFlight.size > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  #encode({ kind, device, instantUs }: Outgoing): Uint8Array {
    const { fleet } = this.#options;
    return kind === "device"
      ? toBinary(IoTDeviceSchema, fleet.device(device, Math.floor(instantUs / 1_000_000)))
      : toBinary(SensorReadingSchema, fleet.reading(device, instantUs));
  }
}
