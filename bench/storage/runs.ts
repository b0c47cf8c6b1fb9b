import type { Measured } from "#shared/telemetry/measures.ts";
import type { StorageOptions } from "./options.ts";
import { StoredRun } from "./stored_run.ts";

const secondUs = 1_000_000;
const daySeconds = 86_400;

/** A fleet at the generator's own interval. */
export function fleetRun(
  { readings, days }: Pick<StorageOptions, "readings" | "days">,
  nowUs: number,
): StoredRun {
  const intervalUs = 5 * secondUs;
  const untilUs = Math.floor(nowUs / intervalUs) * intervalUs;
  const ofDevice = (days + (untilUs / secondUs % daySeconds) / daySeconds) * daySeconds / 5;
  const devices = Math.max(1, Math.round(readings / ofDevice));
  return new StoredRun({ seed: 1, devices, intervalUs, days, untilUs });
}

/** Devices that report every ten minutes, for so many days. */
export function slowRun(
  { seed, devices, days }: {
    readonly seed: number;
    readonly devices: number;
    readonly days: number;
  },
  nowUs: number,
): StoredRun {
  return new StoredRun({ seed, devices, intervalUs: 600 * secondUs, days, untilUs: nowUs });
}

/** What each value of noise is a multiple of. */
const noiseSteps = 100;

/**
 * Devices whose values have white noise, evenly spread up to `height` above and
 * below what the weather is, all at a resolution of 0.01.
 */
export function noisyRun(
  { readings, height }: { readonly readings: number; readonly height: number },
  nowUs: number,
): StoredRun {
  const days = 3;
  const intervalUs = 5 * secondUs;
  const untilUs = Math.floor(nowUs / daySeconds / secondUs) * daySeconds * secondUs;
  const devices = Math.max(1, Math.round(readings / (days * daySeconds / 5)));
  const wander = (value: number, seed: number) =>
    Math.round((value + height * noise(seed)) * noiseSteps) / noiseSteps + 0;
  return new StoredRun({
    seed: 4,
    devices,
    intervalUs,
    days,
    untilUs,
    measured(reading: Measured, index, turn) {
      const { temperature, humidity, pressure, batteryLevel } = reading;
      const seed = (turn * devices + index) * 4;
      return {
        temperature: wander(temperature, seed),
        humidity: wander(humidity, seed + 1),
        pressure: wander(pressure, seed + 2),
        batteryLevel: wander(batteryLevel, seed + 3),
      };
    },
  });
}

/** From -1 to 1, in no order that can be told, and the same in every run. */
function noise(seed: number): number {
  let hash = Math.imul(seed + 1, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) / 2 ** 31;
}
