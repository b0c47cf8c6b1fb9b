import assert from "node:assert/strict";
import { hasEnded, parseSnapshot } from "./snapshot.ts";

Deno.test("hasEnded is false for what runs and for what has not begun", () => {
  const snapshot = parseSnapshot("100:105:100,103");
  const ended = [99n, 100n, 101n, 102n, 103n, 104n, 105n, 106n]
    .filter((transaction) => hasEnded(transaction, snapshot));
  assert.deepEqual(ended, [99n, 101n, 102n, 104n]);
});

Deno.test("A snapshot with nothing running has ended all before the next", () => {
  const snapshot = parseSnapshot("100:100:");
  assert(hasEnded(99n, snapshot));
  assert(!hasEnded(100n, snapshot));
  assert.throws(() => parseSnapshot("100"), /not a snapshot/);
});
