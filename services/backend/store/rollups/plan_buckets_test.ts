import assert from "node:assert/strict";
import fc from "fast-check";
import { isWithin } from "./is_within.ts";
import { planBuckets, type Span } from "./plan_buckets.ts";
import { dayLevel, hourLevel, hourMicros, minuteLevel } from "./rollup_levels.ts";

const minute = 60_000_000;
const day = 24 * hourMicros;
const levels = [minuteLevel, hourLevel, dayLevel];

const progressOf = (rolledUntilMicros: number) => ({
  rolledUntilMicros,
  dropped: [],
  rollupsDroppedUntilMicros: {
    rollups_minute: -Infinity,
    rollups_hour: -Infinity,
    rollups_day: -Infinity,
  },
});

const span = (fromMicros: number, untilMicros: number): Span => ({ fromMicros, untilMicros });

Deno.test("planBuckets reads the middle from the coarsest table and the ends from finer ones", () => {
  const from = day - hourMicros - minute - 1;
  const until = 3 * day + 2 * hourMicros + 5;
  const options = { bucketMicros: day, marked: new Set<number>(), progress: progressOf(9 * day) };
  assert.deepEqual(planBuckets(span(from, until), options), {
    rollups: {
      rollups_day: [span(day, 3 * day)],
      rollups_hour: [span(day - hourMicros, day), span(3 * day, 3 * day + 2 * hourMicros)],
      rollups_minute: [span(day - hourMicros - minute, day - hourMicros)],
    },
    readings: [span(from, from + 1), span(until - 5, until)],
  });
});

Deno.test("planBuckets reads marked hours, and what is not rolled up, from the readings", () => {
  const marked = new Set([3 * hourMicros, 4 * hourMicros, 8 * hourMicros]);
  const options = { bucketMicros: hourMicros, marked, progress: progressOf(6 * hourMicros) };
  assert.deepEqual(planBuckets(span(0, 10 * hourMicros), options), {
    rollups: {
      rollups_day: [],
      rollups_hour: [span(0, 3 * hourMicros), span(5 * hourMicros, 6 * hourMicros)],
      rollups_minute: [],
    },
    readings: [span(3 * hourMicros, 5 * hourMicros), span(6 * hourMicros, 10 * hourMicros)],
  });
});

Deno.test("planBuckets has rollups tell of time whose readings are gone, marked or not", () => {
  const progress = { ...progressOf(9 * day), dropped: [span(day, 2 * day)] };
  const options = { bucketMicros: minute, marked: new Set([day]), progress };
  const from = day - 1;
  assert.deepEqual(planBuckets(span(from, 2 * day + 1), options), {
    rollups: {
      rollups_day: [],
      rollups_hour: [],
      rollups_minute: [span(day, 2 * day)],
    },
    readings: [span(day - 1, day), span(2 * day, 2 * day + 1)],
  });
});

/** On and beside the bounds of buckets. */
const instants = fc.tuple(fc.integer({ min: 0, max: 6 * 24 * 60 }), fc.constantFrom(0, 0, 1, 17))
  .map(([minutes, past]) => minutes * minute + past);
const bounds = (width: number) =>
  fc.oneof(
    fc.constant(-Infinity),
    fc.integer({ min: 0, max: 6 * day / width }).map((n) => n * width),
  );

Deno.test("planBuckets covers each moment once", () => {
  fc.assert(fc.property(
    instants,
    instants,
    fc.constantFrom(1, 60, 600, 3_600, 7_200, 86_400, 604_800),
    fc.uniqueArray(fc.integer({ min: 0, max: 6 * 24 }), { maxLength: 20 }),
    bounds(hourMicros),
    fc.tuple(bounds(day), bounds(day)),
    fc.tuple(bounds(day), bounds(day), bounds(day)),
    (a, b, bucketSeconds, hours, rolledUntilMicros, [c, d], floors) => {
      const asked = span(Math.min(a, b), Math.max(a, b));
      const bucketMicros = bucketSeconds * 1_000_000;
      const marked = new Set(hours.map((hour) => hour * hourMicros));
      const [rollups_minute, rollups_hour, rollups_day] = floors;
      const dropped = c === d ? [] : [span(Math.min(c, d), Math.max(c, d))];
      const isDropped = (micros: number) => isWithin(micros, dropped);
      const progress = {
        rolledUntilMicros: Math.max(rolledUntilMicros, c, d),
        dropped,
        rollupsDroppedUntilMicros: { rollups_minute, rollups_hour, rollups_day },
      };
      const { rollups, readings } = planBuckets(asked, { bucketMicros, marked, progress });
      for (const { table, bucketMicros: width } of levels) {
        for (const { fromMicros, untilMicros } of rollups[table]) {
          assert.equal(bucketMicros % width, 0);
          assert.equal(fromMicros % width + untilMicros % width, 0);
          assert(untilMicros <= progress.rolledUntilMicros);
          assert(fromMicros >= progress.rollupsDroppedUntilMicros[table]);
          for (const hour of marked) {
            if (isDropped(hour)) continue;
            assert(hour + hourMicros <= fromMicros || hour >= untilMicros, "a marked hour");
          }
        }
      }
      let at = asked.fromMicros;
      const all = [...Object.values(rollups).flat(), ...readings];
      for (const { fromMicros, untilMicros } of all.sort((a, b) => a.fromMicros - b.fromMicros)) {
        assert(untilMicros > fromMicros);
        assert.equal(fromMicros, at, "something is left out");
        at = untilMicros;
      }
      assert.equal(at, asked.untilMicros);
    },
  ));
});
