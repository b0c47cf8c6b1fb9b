import fc from "fast-check";
import assert from "node:assert/strict";
import { measures } from "#shared/telemetry/measures.ts";
import { isNewer, type ReadingRow } from "../readings/reading_row.ts";
import { tieBreak } from "../readings/tie_break.ts";
import { columnsOf } from "./columns_of.ts";
import { mergeColumns } from "./merge_columns.ts";
import type { ReadingColumns } from "./reading_columns.ts";
import { readingRowAt } from "./reading_row_at.ts";

const deviceId = "berlin-00000001";

/** Few instants, nanoseconds and values, so that some rows are the same, or nearly. */
const row: fc.Arbitrary<ReadingRow> = fc.record({
  micros: fc.constantFrom(1.8e15, 1.8e15 + 1, 1.8e15 + 5e6),
  nanos: fc.constantFrom(0, 0, 1, 999),
  values: fc.array(fc.constantFrom(0, 20.5, 0.1 + 0.2), {
    minLength: measures.length,
    maxLength: measures.length,
  }),
  // Of an old release, or by hand.
  odd: fc.option(
    fc.constantFrom(-1n, 7n, 999n << 53n, 1_000n << 53n, 2n ** 63n - 1n, -(2n ** 63n)),
  ),
}).map(({ micros, nanos, values, odd }) => ({
  deviceId,
  micros,
  tieBreak: odd ?? tieBreak(nanos, values),
  values,
}));

const rows = fc.array(row, { maxLength: 40 });

/** In order; of rows with one key, the first that is given. */
function distinct(rows: readonly ReadingRow[]): readonly ReadingRow[] {
  const byKey = new Map<string, ReadingRow>();
  for (const row of rows) {
    const key = `${row.micros} ${row.tieBreak}`;
    if (!byKey.has(key)) byKey.set(key, row);
  }
  return [...byKey.values()].sort((a, b) => isNewer(a, b) ? 1 : -1);
}

function rowsOf(columns: ReadingColumns): readonly ReadingRow[] {
  return Array.from({ length: columns.count }, (_, at) => readingRowAt(columns, deviceId, at));
}

Deno.test("columnsOf sorts rows, and readingRowAt gives each of them back once", () => {
  fc.assert(
    fc.property(rows, (rows) => {
      const columns = columnsOf(rows);
      assert.deepEqual(rowsOf(columns), distinct(rows));
      assert.ok(columns.nanos?.every((past) => past <= 999) ?? true);
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("columnsOf keeps a tie break only where it is not what the values give", () => {
  const values = [20.5, 50, 1_000, 90];
  const computed = { deviceId, micros: 1.8e15, tieBreak: tieBreak(17, values), values };
  const odd = { ...computed, micros: 1.8e15 + 1, tieBreak: 17n };
  const columns = columnsOf([odd, computed]);
  assert.deepEqual(columns.nanos, Uint16Array.of(17, 0));
  assert.deepEqual(columns.oddTieBreaks, new Map([[1, 17n]]));
  assert.equal(columnsOf([computed]).oddTieBreaks, undefined);
  assert.equal(columnsOf([odd]).nanos, undefined);
});

Deno.test("mergeColumns gives the readings of both, each once and in order", () => {
  fc.assert(
    fc.property(rows, rows, (a, b) => {
      const merged = mergeColumns(columnsOf(a), columnsOf(b));
      assert.deepEqual(rowsOf(merged), distinct([...a, ...b]));
      assert.deepEqual(merged, columnsOf([...a, ...b]));
    }),
    { numRuns: 1_000 },
  );
});
