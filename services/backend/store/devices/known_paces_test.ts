import assert from "node:assert/strict";
import { KnownPaces } from "./known_paces.ts";

Deno.test("KnownPaces has a pace learned at first, and again a minute later", () => {
  let nowMs = 0;
  const paces = new KnownPaces(() => nowMs);
  assert.equal(paces.isDue(0, "a"), true);
  paces.learned(0, "a");
  assert.deepEqual([paces.isDue(0, "a"), paces.isDue(7, "a")], [false, true]);
  nowMs = 60_000;
  assert.equal(paces.isDue(0, "a"), false);
  nowMs++;
  assert.equal(paces.isDue(0, "a"), true);
});

Deno.test("KnownPaces forgets before it remembers too many", () => {
  const paces = new KnownPaces();
  for (let at = 0; at < 200_001; at++) paces.learned(0, `d${at}`);
  assert.equal(paces.isDue(0, "d1"), true);
  assert.equal(paces.isDue(0, "d200000"), false);
});
