import assert from "node:assert/strict";
import { pacedDevices } from "./paced_devices.ts";

Deno.test("pacedDevices goes by the readings of the part before, and doubles at most", () => {
  assert.equal(pacedDevices(50, { devices: 50, readings: 36_000 }, 50_000), 70);
  assert.equal(pacedDevices(50, { devices: 50, readings: 3_600 }, 50_000), 100);
  assert.equal(pacedDevices(50, { devices: 50, readings: 5_000_000 }, 50_000), 1);
  assert.equal(pacedDevices(50, { devices: 50, readings: 0 }, 50_000), 100);
  assert.equal(pacedDevices(50, { devices: 0, readings: 0 }, 50_000), 100);
  assert.equal(pacedDevices(9_000, { devices: 9_000, readings: 0 }, 50_000), 10_000);
});
