import assert from "node:assert/strict";
import { readingsOf, turnSeconds, turnsOf } from "./workload.ts";

Deno.test("A workload that starts at the turn after another's last comes after all of it", () => {
  const first = { devices: 3, readings: 7 };
  const firstTurn = turnsOf(first);
  assert.equal(firstTurn, 3);
  const seconds = (readings: ReturnType<typeof readingsOf>) =>
    [...readings].map(({ timestamp }) => Number(timestamp));
  const earlier = seconds(readingsOf(first));
  const later = seconds(readingsOf({ ...first, firstTurn }));
  assert.deepEqual([earlier.length, later.length], [7, 7]);
  assert.equal(Math.min(...earlier), turnSeconds(0));
  assert(Math.max(...earlier) < turnSeconds(firstTurn));
  assert.equal(Math.min(...later), turnSeconds(firstTurn));
});
