import assert from "node:assert/strict";
import fc from "fast-check";
import { Rota } from "./rota.ts";

const startUs = 1_768_435_200_000_000;

Deno.test("the shares of a rota are all turns, once each, in the order in which they are due", () => {
  const fleets = fc.integer({ min: 1, max: 50 }).chain((devices) =>
    fc.record({
      devices: fc.constant(devices),
      shares: fc.integer({ min: 1, max: devices }),
      intervalUs: fc.integer({ min: 1_000, max: 86_400_000_000 }),
    })
  );
  fc.assert(fc.property(fleets, ({ devices, shares, intervalUs }) => {
    const cycles = 3;
    const turns: string[] = [];
    for (let share = 0; share < shares; share++) {
      const rota = new Rota({ startUs, intervalUs, devices, share, shares });
      let beforeUs = startUs;
      for (; rota.dueUs < startUs + cycles * intervalUs; rota.advance()) {
        assert.ok(rota.dueUs >= beforeUs);
        beforeUs = rota.dueUs;
        turns.push(`${rota.device}@${rota.dueUs}`);
      }
    }
    const wanted: string[] = [];
    for (let device = 0; device < devices; device++) {
      const phaseUs = Math.floor(device * intervalUs / devices);
      for (let cycle = 0; cycle < cycles; cycle++) {
        wanted.push(`${device}@${startUs + phaseUs + cycle * intervalUs}`);
      }
    }
    assert.deepEqual(turns.sort(), wanted.sort());
  }));
});

Deno.test("a rota spreads its devices evenly over the interval", () => {
  const rota = new Rota({ startUs, intervalUs: 5_000_000, devices: 10, share: 0, shares: 1 });
  const offsets = Array.from({ length: 12 }, () => {
    const offset = (rota.dueUs - startUs) / 1_000;
    rota.advance();
    return offset;
  });
  assert.deepEqual(offsets, [0, 500, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 4500, 5000, 5500]);
});

Deno.test("Rota.seek goes on to the first turn at an instant or after it", () => {
  const make = () => new Rota({ startUs, intervalUs: 1_000_000, devices: 7, share: 1, shares: 2 });
  fc.assert(fc.property(fc.integer({ min: 0, max: 20_000_000 }), (afterUs) => {
    const sought = make();
    sought.seek(startUs + afterUs);
    const walked = make();
    while (walked.dueUs < startUs + afterUs) walked.advance();
    assert.deepEqual([sought.device, sought.dueUs], [walked.device, walked.dueUs]);
  }));
});

Deno.test("a rota with a count ends after as many turns of each device", () => {
  const rota = new Rota({ startUs, intervalUs: 1_000, devices: 5, share: 1, shares: 2, count: 3 });
  const turns: number[] = [];
  for (; rota.dueUs < Infinity; rota.advance()) turns.push(rota.device);
  assert.deepEqual(turns, [1, 3, 1, 3, 1, 3]);
  rota.seek(startUs + 1_000_000);
  assert.equal(rota.dueUs, Infinity);
  const late = new Rota({ startUs, intervalUs: 1_000, devices: 5, share: 0, shares: 1, count: 3 });
  late.seek(startUs + 1_000_000);
  assert.equal(late.dueUs, Infinity);
});
