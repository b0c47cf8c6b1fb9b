import assert from "node:assert/strict";
import fc from "fast-check";
import { type WindowChange, windowChange } from "./window_change.ts";

function runs(change: WindowChange) {
  assert.equal(change.kind, "insert");
  return change.kind === "insert" ? change.runs : [];
}

Deno.test("windowChange puts newer rows on top", () => {
  const change = windowChange(["b", "a"], ["d", "c", "b", "a"], 5);
  assert.deepEqual(runs(change), [{ below: undefined, keys: ["d", "c"] }]);
});

Deno.test("windowChange puts a late row below the one that is newer", () => {
  const change = windowChange(["c", "a"], ["d", "c", "b", "a"], 5);
  assert.deepEqual(runs(change), [
    { below: undefined, keys: ["d"] },
    { below: "c", keys: ["b"] },
  ]);
});

Deno.test("windowChange replaces what may have a gap, has lost rows, or is unknown", () => {
  assert.equal(windowChange(["b", "a"], ["d", "c"], 2).kind, "replace");
  assert.equal(windowChange(["c", "b", "a"], ["c", "a"], 3).kind, "replace");
  assert.equal(windowChange(["c", "b", "a"], ["c", "b"], 3).kind, "replace");
  assert.equal(windowChange(undefined, ["a"], 3).kind, "replace");
  assert.equal(windowChange([], ["a"], 3).kind, "replace");
});

Deno.test("windowChange leaves alone what has not changed", () => {
  assert.deepEqual(runs(windowChange(["b", "a"], ["b", "a"], 2)), []);
  assert.deepEqual(runs(windowChange([], [], 2)), []);
});

Deno.test("windowChange neither misses nor doubles a row, whatever arrives between two polls", () => {
  const limit = 6;
  const batches = fc.array(fc.array(fc.integer({ min: 0, max: 999 }), { maxLength: 8 }));
  fc.assert(fc.property(batches, (arrivals) => {
    const stored = new Set<number>();
    let table: string[] = [];
    let shown: string[] = [];
    for (const arrived of arrivals) {
      for (const instant of arrived) stored.add(instant);
      const all = [...stored].sort((a, b) => b - a).map(String);
      const current = all.slice(0, limit);
      const change = windowChange(shown, current, limit);
      if (change.kind === "replace") table = [...current];
      else {
        for (const { below, keys } of change.runs) {
          const at = below === undefined ? 0 : table.indexOf(below) + 1;
          table.splice(at, 0, ...keys);
        }
      }
      shown = current;
      assert.deepEqual(table.slice(0, limit), current);
      assert.equal(new Set(table).size, table.length);
    }
  }));
});
