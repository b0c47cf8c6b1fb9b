import assert from "node:assert/strict";
import fc from "fast-check";
import { cosineWave } from "./cosine_wave.ts";

Deno.test("cosineWave is the cosine to within 0.0004 and never beyond 1", () => {
  fc.assert(fc.property(fc.double({ min: -1_000, max: 1_000, noNaN: true }), (turns) => {
    const wave = cosineWave(turns);
    assert.ok(Math.abs(wave - Math.cos(turns * 2 * Math.PI)) < 0.0004);
    assert.ok(Math.abs(wave) <= 1);
  }));
  assert.deepEqual([0, 0.25, 0.5, 0.75, 1].map(cosineWave), [1, 0, -1, 0, 1]);
});
