import { toBinary } from "@bufbuild/protobuf";
import { IoTDeviceSchema } from "#shared/gen/iot/v1/device_pb.ts";
import { SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import { Fleet, modelVersion } from "../../services/generator/fleet/fleet.ts";
import { writeManifest } from "../../services/generator/run/manifest_file.ts";
import { seed } from "./fault_run.ts";
import type { RawMessage } from "./raw_publisher.ts";

export interface PastRunOptions {
  readonly devices: number;
  readonly startUs: number;
  readonly intervalUs: number;
  /** Readings of each device. */
  readonly turns: number;
  /** Of the fleet; the generator's of a fault run unless given. */
  readonly seed?: number;
}

/** What a generator would have published in some time that is past, to be published at once. */
export class PastRun {
  readonly #options: PastRunOptions;
  readonly #fleet: Fleet;

  constructor(options: PastRunOptions) {
    this.#options = options;
    this.#fleet = new Fleet(options.seed ?? seed);
  }

  get startUs(): number {
    return this.#options.startUs;
  }

  announcements(): readonly RawMessage[] {
    const { devices, startUs } = this.#options;
    return Array.from({ length: devices }, (_, index) => ({
      queue: "device-data",
      body: toBinary(IoTDeviceSchema, this.#fleet.device(index, startUs / 1_000_000)),
    }));
  }

  /** In the order of their instants. */
  readings(): RawMessage[] {
    const { devices, startUs, intervalUs, turns } = this.#options;
    return Array.from({ length: devices * turns }, (_, at) => {
      const index = at % devices;
      const turn = Math.floor(at / devices);
      const phaseUs = Math.floor(index * intervalUs / devices);
      const reading = this.#fleet.reading(index, startUs + phaseUs + turn * intervalUs);
      return { queue: "sensor-data", body: toBinary(SensorReadingSchema, reading) };
    });
  }

  /** For `verify`, that all of it was published. */
  async writeManifest(path: string): Promise<void> {
    const { devices, startUs, intervalUs, turns: count } = this.#options;
    const whole = {
      model: modelVersion,
      seed: this.#options.seed ?? seed,
      confirmedUntilUs: undefined,
    };
    await writeManifest(path, { ...whole, devices, startUs, intervalUs, count });
  }
}
