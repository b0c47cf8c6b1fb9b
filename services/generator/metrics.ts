import { Counter, Gauge, Histogram, type Registry } from "prom-client";

export interface GeneratorMetrics {
  readonly readings: Counter;
  readonly devices: Counter;
  readonly failures: Counter<"reason">;
  readonly publishDuration: Histogram;
}

/** What the gauges ask of each producer when they are read. */
export interface ProducerState {
  readonly unconfirmed: number;
  readonly lagSeconds: number;
}

export function createGeneratorMetrics(
  registry: Registry,
  producers: readonly ProducerState[],
): GeneratorMetrics {
  const registers = [registry];
  new Gauge({
    name: "generator_unconfirmed",
    help: "Messages sent that the broker has not confirmed yet.",
    registers,
    collect() {
      this.set(producers.reduce((sum, { unconfirmed }) => sum + unconfirmed, 0));
    },
  });
  new Gauge({
    name: "generator_lag_seconds",
    help: "How long the oldest reading that is due and not sent has been due, over all producers.",
    registers,
    collect() {
      this.set(producers.reduce((most, { lagSeconds }) => Math.max(most, lagSeconds), 0));
    },
  });
  const failures = new Counter({
    name: "generator_publish_failures_total",
    help: "Messages that the broker did not take; each is sent again.",
    labelNames: ["reason"],
    registers,
  });
  // Present from the start, so that a rate over the first failure is seen.
  for (const reason of ["refused", "other"]) failures.inc({ reason }, 0);
  return {
    readings: new Counter({
      name: "generator_readings_published_total",
      help: "Readings that the broker confirmed.",
      registers,
    }),
    devices: new Counter({
      name: "generator_devices_published_total",
      help: "Device announcements that the broker confirmed.",
      registers,
    }),
    failures,
    publishDuration: new Histogram({
      name: "generator_publish_duration_seconds",
      help: "Time to a message's confirm; one message in 256 of a burst is timed.",
      buckets: [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
  };
}
