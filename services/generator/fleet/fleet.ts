import { create } from "@bufbuild/protobuf";
import { type IoTDevice, IoTDeviceSchema } from "#shared/gen/iot/v1/device_pb.ts";
import { type SensorReading, SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import type { Measured } from "#shared/telemetry/measures.ts";
import { batteryAt } from "./battery.ts";
import { deviceIdOf, identityOf } from "./device_identity.ts";
import { type DeviceSite, siteOf } from "./device_site.ts";
import { weatherAt } from "./weather.ts";

/**
 * Which readings the fleet computes. Raised by every change to a byte of any
 * of them: a run that was published by another model can't be checked by this one.
 */
export const modelVersion = 1;

/**
 * The simulated fleet of a seed: pure functions of a device's index and an
 * instant. Nothing is kept for a device, so a fleet of millions costs no
 * memory, and any reading of any year can be computed again, bit for bit.
 */
export class Fleet {
  readonly #seed: number;

  /** @param seed a whole number from 0 to 4,294,967,295. */
  constructor(seed: number) {
    this.#seed = seed;
  }

  device(index: number, lastSeenSeconds: number): IoTDevice {
    const site = siteOf(this.#seed, index);
    return create(IoTDeviceSchema, {
      ...identityOf(this.#seed, index, site),
      latitude: round(site.latitude, 10_000),
      longitude: round(site.longitude, 10_000),
      lastSeen: BigInt(lastSeenSeconds),
    });
  }

  /**
   * What device `index` measures at an instant, to its sensors' resolution.
   *
   * @param instantUs microseconds since 1970, whole.
   */
  reading(index: number, instantUs: number): SensorReading {
    const site = siteOf(this.#seed, index);
    const { temperature, humidity, pressure, batteryLevel } = measuredAt(site, instantUs);
    const wholeSeconds = Math.floor(instantUs / 1_000_000);
    return create(SensorReadingSchema, {
      deviceId: deviceIdOf(site),
      timestamp: BigInt(wholeSeconds),
      nanos: (instantUs - wholeSeconds * 1_000_000) * 1_000,
      temperature,
      humidity,
      pressure,
      batteryLevel,
    });
  }

  /** The values of `reading` alone of a device, at any instant, in half the time. */
  sensorsOf(index: number): (instantUs: number) => Measured {
    const site = siteOf(this.#seed, index);
    return (instantUs) => measuredAt(site, instantUs);
  }
}

function measuredAt(site: DeviceSite, instantUs: number): Measured {
  const seconds = instantUs / 1_000_000;
  const { temperature, humidity, pressure } = weatherAt(site, seconds);
  return {
    temperature: round(temperature, 100),
    humidity: round(humidity, 10),
    pressure: round(pressure, 100),
    batteryLevel: round(batteryAt(site.deviceKey, seconds), 10),
  };
}

/** To the nearest whole `1 / perUnit`; never -0, which is another number on the wire. */
function round(value: number, perUnit: number): number {
  return Math.round(value * perUnit) / perUnit + 0;
}
