import { brokerUrl } from "#shared/broker/broker_url.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import type { ConfigOf } from "#shared/config/setting.ts";
import {
  duration,
  filePath,
  instant,
  listenHost,
  listenPort,
  oneOf,
  text,
  trueOrFalse,
  wholeNumber,
} from "#shared/config/setting_kinds.ts";

export const generatorSettings = {
  log: logSettings,
  generator: {
    rabbitmq_url: brokerUrl("broker to publish to", ["queue_type", "queue_durable"]),
    device_queue: text({ doc: "queue of devices", default: "device-data" }),
    sensor_queue: text({ doc: "queue of readings", default: "sensor-data" }),
    queue_durable: trueOrFalse({ doc: "queues outlive a broker restart", default: true }),
    queue_type: oneOf(["classic", "quorum"], { doc: "type of the queues", default: "classic" }),
    interval: duration({
      doc: "time between two readings of a device",
      default: "5s",
      minMs: 1,
    }),
    num_devices: wholeNumber({
      doc: "simulated devices",
      default: 10,
      min: 1,
      max: 10_000_000,
    }),
    producer_count: wholeNumber({
      doc: "producers, each with its own connection and share of the devices",
      default: 1,
      min: 1,
      max: 64,
    }),
    seed: wholeNumber({
      doc: "the same seed gives the same devices and the same weather",
      default: 1,
      min: 0,
      max: 4_294_967_295,
    }),
    start: instant({
      doc: "when the first reading is due, before now too, or after; unless given, now",
      default: undefined,
    }),
    count: wholeNumber({
      doc: "readings of each device, after which the generator ends; 0 is without end",
      default: 0,
      min: 0,
      max: 1_000_000_000,
    }),
    manifest: filePath({
      doc: "file to record the run in, for demo-app verify; a run recorded there goes on",
      default: undefined,
    }),
    max_unconfirmed: wholeNumber({
      doc: "messages of a producer that may await their confirm",
      default: 1_000,
      min: 1,
      max: 65_535,
    }),
    host: listenHost(),
    metrics_port: listenPort({ doc: "port of /metrics, /healthz, /readyz", default: 9091 }),
  },
};

export type GeneratorConfig = ConfigOf<typeof generatorSettings>["generator"];
