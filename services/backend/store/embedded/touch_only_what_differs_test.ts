import assert from "node:assert/strict";
import { copyWhatDiffers } from "./touch_only_what_differs.ts";

Deno.test("copyWhatDiffers copies everything, and leaves what is longer", () => {
  const from = new Uint8Array(3 * 4096 + 8);
  const to = new Uint8Array(4 * 4096);
  for (const at of [0, 4095, 2 * 4096 + 5, from.length - 1]) from[at] = at % 255 + 1;
  for (const at of [1, 4096, from.length - 2, from.length]) to[at] = 7;
  copyWhatDiffers(from, to);
  assert.deepEqual(to.subarray(0, from.length), from);
  assert.equal(to[from.length], 7);
});
