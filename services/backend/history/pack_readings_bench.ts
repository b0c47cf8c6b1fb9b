import { packReadings } from "./pack_readings.ts";
import type { ReadingColumns } from "./reading_columns.ts";
import { splitReadings } from "./split_readings.ts";
import { tieBreakAt } from "./tie_break_at.ts";
import { unpackInstants } from "./unpack_instants.ts";
import { unpackReadings } from "./unpack_readings.ts";

/** A day at 5 s. */
const count = 17_280;

/** From -1 to 1, in no order that can be told, the same in every run. */
function noise(seed: number): number {
  let hash = Math.imul(seed + 1, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) / 2 ** 31;
}

/** A day of a device whose sensors' noise is so much, in the quantities' own units. */
function dayOf(noiseHeight: number): ReadingColumns {
  const measure = (seed: number, base: number, height: number, power: number) =>
    Float64Array.from({ length: count }, (_, at) => {
      const smooth = base + height * (Math.sin(at / 2_750) + 0.05 * Math.sin(at / 40));
      return Math.round((smooth + noiseHeight * noise(seed * count + at)) * power) / power;
    });
  return {
    count,
    micros: Float64Array.from({ length: count }, (_, at) => 1.8e15 + at * 5e6),
    nanos: undefined,
    values: [
      measure(1, 15, 6, 100),
      measure(2, 60, 15, noiseHeight === 0 ? 10 : 100),
      measure(3, 1_012, 3, 100),
      measure(4, 80, 1, noiseHeight === 0 ? 10 : 100),
    ],
    oddTieBreaks: undefined,
  };
}

for (const [kind, noiseHeight] of [["smooth", 0], ["noisy", 0.5]] as const) {
  const day = dayOf(noiseHeight);
  const chunks = splitReadings(day);
  const packed = chunks.map(([from, until]) => packReadings(day, from, until));
  const group = `${count} ${kind} readings`;

  Deno.bench(`pack ${group}`, { group }, () => {
    for (const [from, until] of chunks) packReadings(day, from, until);
  });
  Deno.bench(`unpack ${group}`, { group }, () => {
    for (const chunk of packed) unpackReadings(chunk);
  });
  Deno.bench(`unpack the instants of ${group}`, { group }, () => {
    for (const chunk of packed) unpackInstants(chunk);
  });
  Deno.bench(`compute the tie breaks of ${group}`, { group }, () => {
    for (let at = 0; at < count; at++) tieBreakAt(day, at);
  });
}
