import assert from "node:assert/strict";
import { typicalInterval } from "./typical_interval.ts";

Deno.test("typicalInterval is the median gap, whatever the order", () => {
  assert.equal(typicalInterval([0, 5, 10, 15]), 5);
  assert.equal(typicalInterval([15, 0, 10, 5]), 5);
  assert.equal(typicalInterval([0, 600, 1_200]), 600);
});

Deno.test("typicalInterval is moved neither by an outage nor by a reading out of turn", () => {
  assert.equal(typicalInterval([0, 5, 10, 90_000, 90_005, 90_010]), 5);
  assert.equal(typicalInterval([0, 60, 61, 120, 180, 240, 300]), 60);
  assert.equal(typicalInterval([0, 60, 60, 60, 120, 120, 180]), 60);
});

Deno.test("typicalInterval is unknown of a device that has said too little", () => {
  for (const few of [[], [7], [7, 7, 7], [0, 10], [0, 0, 10]]) {
    assert.equal(typicalInterval(few), undefined);
  }
});
