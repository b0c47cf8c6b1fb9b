import assert from "node:assert/strict";
import { Fleet } from "../../generator/fleet/fleet.ts";
import { FleetIds } from "./fleet_ids.ts";

Deno.test("FleetIds knows the devices of the run, and no other", () => {
  const fleet = new Fleet(7);
  const idAt = (index: number) => fleet.device(index, 0).deviceId;
  for (const devices of [1, 2, 3, 64, 1_000]) {
    const ids = new FleetIds(fleet, devices);
    for (let index = 0; index < 2 * devices; index++) {
      assert.equal(ids.has(idAt(index)), index < devices, `${index} of ${devices}`);
    }
    const [first] = [idAt(0)];
    for (const other of ["", "stranger", `x${first}`, first.toUpperCase(), first.slice(-8), "\0"]) {
      assert.equal(ids.has(other), false, other);
    }
    const others = new Fleet(8);
    assert.equal(ids.has(others.device(0, 0).deviceId), false);
  }
});
