import assert from "node:assert/strict";
import { toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { IoTDeviceSchema } from "#shared/gen/iot/v1/device_pb.ts";
import { type SensorReading, SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import { valuesOf } from "#shared/telemetry/measures.ts";
import { Fleet } from "./fleet.ts";
import { places } from "./places.ts";

const anySeed = fc.integer({ min: 0, max: 4_294_967_295 });
const anyIndex = fc.integer({ min: 0, max: 9_999_999 });
const anyInstantUs = fc.integer({
  min: Date.UTC(2000, 0) * 1_000,
  max: Date.UTC(2100, 0) * 1_000,
});

Deno.test("a reading lies in the contract's ranges, for any device and instant of a century", () => {
  fc.assert(
    fc.property(anySeed, anyIndex, anyInstantUs, (seed, index, instantUs) => {
      const reading = new Fleet(seed).reading(index, instantUs);
      assert.ok(reading.temperature > -70 && reading.temperature < 55, `${reading.temperature}`);
      assert.ok(reading.humidity >= 1 && reading.humidity <= 100, `${reading.humidity}`);
      assert.ok(reading.pressure > 600 && reading.pressure < 1_060, `${reading.pressure}`);
      assert.ok(reading.batteryLevel >= 10 && reading.batteryLevel <= 100);
      assert.equal(Number(reading.timestamp) * 1_000_000 + reading.nanos / 1_000, instantUs);
      assert.ok(reading.nanos >= 0 && reading.nanos < 1_000_000_000);
    }),
    { numRuns: 20_000 },
  );
});

Deno.test("a reading has its sensors' resolution", () => {
  fc.assert(fc.property(anySeed, anyIndex, anyInstantUs, (seed, index, instantUs) => {
    const reading = new Fleet(seed).reading(index, instantUs);
    assert.equal(reading.temperature, Number(reading.temperature.toFixed(2)));
    assert.equal(reading.humidity, Number(reading.humidity.toFixed(1)));
    assert.equal(reading.pressure, Number(reading.pressure.toFixed(2)));
    assert.equal(reading.batteryLevel, Number(reading.batteryLevel.toFixed(1)));
    assert.ok(!Object.is(reading.temperature, -0));
  }));
});

Deno.test("a device's sensors measure what its readings hold", () => {
  fc.assert(fc.property(anySeed, anyIndex, anyInstantUs, (seed, index, instantUs) => {
    const fleet = new Fleet(seed);
    assert.deepEqual(
      valuesOf(fleet.sensorsOf(index)(instantUs)),
      valuesOf(fleet.reading(index, instantUs)),
    );
  }));
});

Deno.test("consecutive readings differ by small steps", () => {
  const anyStepMs = fc.integer({ min: 1, max: 60_000 });
  fc.assert(
    fc.property(anySeed, anyIndex, anyInstantUs, anyStepMs, (seed, index, instantUs, stepMs) => {
      const fleet = new Fleet(seed);
      const one = fleet.reading(index, instantUs);
      const next = fleet.reading(index, instantUs + stepMs * 1_000);
      const minutes = stepMs / 60_000;
      const moved = (a: number, b: number) => Math.abs(a - b);
      // Each bound is a rate and the resolution.
      assert.ok(moved(one.temperature, next.temperature) <= 0.4 * minutes + 0.0101);
      assert.ok(moved(one.humidity, next.humidity) <= 2 * minutes + 0.101);
      assert.ok(moved(one.pressure, next.pressure) <= 0.1 * minutes + 0.0101);
      assert.ok(moved(one.batteryLevel, next.batteryLevel) <= 0.4 * minutes + 0.101);
    }),
    { numRuns: 20_000 },
  );
});

Deno.test("a battery drains and is recharged without a jump", () => {
  const fleet = new Fleet(1);
  const startUs = Date.UTC(2026, 0) * 1_000;
  const minuteUs = 60_000_000;
  let before = fleet.reading(0, startUs).batteryLevel;
  let [lowest, highest] = [before, before];
  for (let minute = 1; minute < 60 * 24 * 50; minute++) {
    const level = fleet.reading(0, startUs + minute * minuteUs).batteryLevel;
    assert.ok(Math.abs(level - before) <= 0.5, `from ${before} to ${level} at minute ${minute}`);
    lowest = Math.min(lowest, level);
    highest = Math.max(highest, level);
    before = level;
  }
  assert.ok(lowest < 50 && highest > 95, `${lowest} to ${highest}`);
});

Deno.test("a seed gives the same readings in any order, and another seed gives others", () => {
  fc.assert(fc.property(anySeed, anyIndex, anyInstantUs, (seed, index, instantUs) => {
    const fleet = new Fleet(seed);
    const wanted = encoded(fleet, index, instantUs);
    fleet.reading(index + 1, instantUs - 1_000_000);
    assert.equal(encoded(fleet, index, instantUs), wanted);
    assert.equal(encoded(new Fleet(seed), index, instantUs), wanted);
    assert.notEqual(encoded(new Fleet((seed + 1) % 4_294_967_296), index, instantUs), wanted);
  }));
});

Deno.test("devices of one city read much the same", () => {
  const fleet = new Fleet(9);
  const instantUs = Date.UTC(2026, 4, 3, 12) * 1_000;
  for (let index = 0; index < places.length; index++) {
    const one = fleet.reading(index, instantUs);
    const other = fleet.reading(index + places.length * 17, instantUs);
    assert.ok(Math.abs(one.temperature - other.temperature) < 2.5);
    assert.ok(Math.abs(one.pressure - other.pressure) < 5);
  }
});

Deno.test("humidity falls as the day warms", () => {
  const fleet = new Fleet(1);
  for (let index = 0; index < places.length; index++) {
    const day = Array.from(
      { length: 24 },
      (_, hour) => fleet.reading(index, Date.UTC(2026, 3, 10, hour) * 1_000),
    );
    const warmest = day.reduce((a, b) => a.temperature > b.temperature ? a : b);
    const coldest = day.reduce((a, b) => a.temperature < b.temperature ? a : b);
    assert.ok(warmest.humidity < coldest.humidity, warmest.deviceId);
  }
});

Deno.test("a January mean is the place's own", () => {
  // City, degrees Celsius by the records of 1991 to 2020, and hPa at its altitude.
  const means = [["reykjavik", 0.7, 1_006], ["singapore", 26.8, 1_011], ["nairobi", 20, 815]];
  const fleet = new Fleet(1);
  for (const [slug, temperature, pressure] of means as [string, number, number][]) {
    const index = places.findIndex((_, index) =>
      fleet.device(index, 0).deviceId.startsWith(`${slug}-`)
    );
    const readings: SensorReading[] = [];
    for (let year = 2000; year < 2030; year++) {
      for (let hour = 0; hour < 744; hour += 3) {
        readings.push(fleet.reading(index, Date.UTC(year, 0, 1, hour) * 1_000));
      }
    }
    const mean = (of: (reading: SensorReading) => number) =>
      readings.reduce((sum, reading) => sum + of(reading), 0) / readings.length;
    assert.ok(Math.abs(mean((reading) => reading.temperature) - temperature) < 2, slug);
    assert.ok(Math.abs(mean((reading) => reading.pressure) - pressure) < 6, slug);
  }
});

/**
 * Pinned to the byte: what has been published is checked against what is
 * computed again. If this turns red, the model has changed, and with it every
 * fleet that people have; change it only on purpose, and raise `modelVersion`.
 */
const golden = [
  {
    seed: 1,
    index: 0,
    instantUs: 1_768_435_200_000_123,
    device: "0a0e70617269732d3361306433353238120d50617269732c204672616e63651a1130323a6538" +
      "3a63343a65663a30653a3137220c31302e3235302e3230392e312a05322e302e33353e6843423d1058" +
      "15404080dca0cb06",
    reading: "0a0e70617269732d33613064333532381080dca0cb0619295c8fc2f5281c402133333333331351" +
      "40295c8fc2f528468f40319a9999999999534038f8c007",
  },
  {
    seed: 1,
    index: 9_999_999,
    instantUs: 946_684_800_000_123,
    device: "0a0f7269796164682d613737353737646312145269796164682c205361756469204172616269611a" +
      "1130323a65383a31383a37613a65363a6234220c31302e3135372e34382e32302a05322e312e3235e0ad" +
      "c5413d18a63a424080dca0cb06",
    reading: "0a0f7269796164682d6137373537376463108087b5c303198fc2f5285c0f2e4021000000000000" +
      "3f40290ad7a3703d3c8d40313333333333b3444038f8c007",
  },
  {
    seed: 4_294_967_295,
    index: 7,
    instantUs: 4_102_444_799_999_123,
    device: "0a0e64756261692d3433626631343364121b44756261692c20556e69746564204172616220456d69" +
      "72617465731a1130323a34383a32613a37303a36343a3363220b31302e35392e3135312e382a05322e31" +
      "2e3035efb8c9413d280f5d424080dca0cb06",
    reading: "0a0e64756261692d343362663134336410ffad99a40f1985eb51b81e453340210000000000e050" +
      "4029f6285c8fc2b58f4031000000000000574038b8d0b5dc03",
  },
];

Deno.test("devices and readings are to the byte what they always were", () => {
  for (const { seed, index, instantUs, device, reading } of golden) {
    const fleet = new Fleet(seed);
    const announced = fleet.device(index, 1_768_435_200);
    assert.equal(toBinary(IoTDeviceSchema, announced).toHex(), device);
    assert.equal(encoded(fleet, index, instantUs), reading);
  }
});

function encoded(fleet: Fleet, index: number, instantUs: number): string {
  return toBinary(SensorReadingSchema, fleet.reading(index, instantUs)).toHex();
}
