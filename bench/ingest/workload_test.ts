import assert from "node:assert/strict";
import { presentSeconds, readingsOf, turnsOf } from "./workload.ts";

Deno.test("A workload that begins when another ends comes after all of it", () => {
  const first = { devices: 3, readings: 7, fromSeconds: 1_000 };
  const turns = turnsOf(first);
  assert.equal(turns, 3);
  const seconds = (readings: ReturnType<typeof readingsOf>) =>
    [...readings].map(({ timestamp }) => Number(timestamp));
  const earlier = seconds(readingsOf(first));
  const later = seconds(readingsOf({ ...first, fromSeconds: 1_000 + turns }));
  assert.deepEqual([earlier.length, later.length], [7, 7]);
  assert.equal(Math.min(...earlier), 1_000);
  assert(Math.max(...earlier) < 1_000 + turns);
  assert.equal(Math.min(...later), 1_000 + turns);
});

Deno.test("A workload of the present is over by now", () => {
  for (const turns of [1, 200, 100_000]) {
    assert(presentSeconds(turns) + turns <= Date.now() / 1_000);
  }
});
