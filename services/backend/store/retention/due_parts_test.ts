import assert from "node:assert/strict";
import { dayMicros } from "../partitions/days.ts";
import type { PartitionedTable } from "../partitions/list_partitions.ts";
import { droppedAtOnce } from "./dropped_at_once.ts";
import { dueParts, nextDrop } from "./due_parts.ts";
import type { KeptPart } from "./kept_parts.ts";
import { kindOf, type RetentionPolicy } from "./retention_policy.ts";

const dayMs = dayMicros / 1_000;
const firstMs = Date.UTC(2024, 1, 20);

/** The days [from, until) after the first one. */
function part(table: PartitionedTable, name: string, from: number, until: number): KeptPart {
  const partition = {
    name,
    fromMicros: (firstMs + from * dayMs) * 1_000,
    untilMicros: (firstMs + until * dayMs) * 1_000,
  };
  return { kind: kindOf[table], table, partition, bytes: 1 };
}

const kept = (rows: number, history: number, packs: boolean): RetentionPolicy => ({
  keptMs: {
    rows: rows * dayMs,
    history: history * dayMs,
    minute: Infinity,
    hour: Infinity,
    day: Infinity,
  },
  packs,
  expandedMs: Infinity,
});

const older = part("sensor_readings", "sensor_readings_older", -Infinity, 0);
const rows = [0, 1, 2].map((day) => part("sensor_readings", `rows${day}`, day, day + 1));
const due = (parts: readonly KeptPart[], policy: RetentionPolicy, day: number) =>
  dueParts(parts, policy, firstMs + day * dayMs)
    .map(({ partition: { name }, rowsBeforeMicros }) =>
      rowsBeforeMicros === undefined
        ? name
        : `${name} before ${(rowsBeforeMicros / 1_000 - firstMs) / dayMs}`
    );

Deno.test("dueParts names whole partitions to the moment, and never the newest of rows", () => {
  const policy = kept(10, Infinity, false);
  assert.deepEqual(due(rows, policy, 11 - 1e-6), []);
  assert.deepEqual(due(rows, policy, 11), ["rows0"]);
  assert.deepEqual(due(rows, policy, 1_000), ["rows0", "rows1"]);
  assert.equal(nextDrop(rows, policy, firstMs + 1_000 * dayMs), undefined);
  assert.equal(nextDrop(rows, policy, firstMs + 11 * dayMs)?.part.partition.name, "rows1");
  assert.deepEqual(due(rows, kept(Infinity, Infinity, false), 1e6), []);
});

Deno.test("dueParts names rows of before a day where their partition stays", () => {
  const parts = [older, ...rows];
  assert.deepEqual(due(parts, kept(10, Infinity, false), 5.5), [
    "sensor_readings_older before -5",
  ]);
  assert.deepEqual(due(parts, kept(10, Infinity, false), 12), [
    "rows0",
    "rows1",
    "sensor_readings_older before 0",
  ]);
  const whole = part("closed_readings", "sensor_readings_before", -Infinity, 0);
  assert.deepEqual(due([whole, ...rows], kept(10, 10, false), 5), [
    "sensor_readings_before before -5",
  ]);
  // It is packed by and by.
  assert.deepEqual(due([whole, ...rows], kept(10, 10, true), 5), []);
  assert.deepEqual(due([whole, ...rows], kept(10, 10, true), 10), ["sensor_readings_before"]);
});

Deno.test("droppedAtOnce tells what would go by whole months from what would go by days", () => {
  const at = (reading: number, policy: RetentionPolicy, day: number) =>
    droppedAtOnce(policy, (firstMs + reading * dayMs) * 1_000, firstMs + day * dayMs);
  assert.equal(at(0, kept(10, Infinity, false), 10.9), undefined);
  assert.equal(at(0, kept(10, Infinity, false), 11), "rows");
  // February ends after ten days; rows that are late are packed with it, however long rows are kept.
  assert.equal(at(0, kept(100, 30, true), 39.9), undefined);
  assert.equal(at(0, kept(100, 30, true), 40), "history");
  assert.equal(at(0, kept(30, 30, true), 31), "rows");
});
