import assert from "node:assert/strict";
import { fraction, hash, scramble16, scramble32 } from "./integer_hash.ts";

Deno.test("scramble16 maps no two of all 65,536 inputs to one output", () => {
  const seen = new Set<number>();
  for (let value = 0; value < 65_536; value++) seen.add(scramble16(value));
  assert.equal(seen.size, 65_536);
  assert.ok([...seen].every((value) => value >= 0 && value <= 0xffff));
});

Deno.test("scramble32 maps no two of a million inputs to one output", () => {
  const seen = new Set<number>();
  for (let value = 0; value < 1_000_000; value++) seen.add(scramble32(value * 4_295));
  assert.equal(seen.size, 1_000_000);
});

Deno.test("hash flips about half of the bits for each bit of its inputs", () => {
  let flipped = 0;
  let looks = 0;
  for (let value = 0; value < 1_000; value++) {
    for (let bit = 0; bit < 32; bit++) {
      flipped += onesOf(hash(7, value) ^ hash(7, value ^ (1 << bit)));
      flipped += onesOf(hash(value, 7) ^ hash((value ^ (1 << bit)) >>> 0, 7));
      looks += 2;
    }
  }
  const mean = flipped / looks;
  assert.ok(mean > 15 && mean < 17, `${mean} of 32 bits`);
});

Deno.test("fraction is spread evenly from 0 up to 1", () => {
  const tenths = new Array<number>(10).fill(0);
  for (let index = 0; index < 100_000; index++) {
    tenths[Math.floor(fraction(3, index) * 10)]!++;
  }
  assert.ok(tenths.every((count) => count > 9_500 && count < 10_500), tenths.join(" "));
});

function onesOf(bits: number): number {
  let ones = 0;
  for (let rest = bits >>> 0; rest !== 0; rest >>>= 1) ones += rest & 1;
  return ones;
}
