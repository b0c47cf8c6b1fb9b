import assert from "node:assert/strict";
import { dayLevel, minuteLevel } from "./rollup_levels.ts";
import { partitionsOf } from "./rollup_partitions.ts";

const at = (text: string) => Date.parse(text) * 1_000;
const named = (name: string, from: string, until: string) => ({
  name,
  fromMicros: at(from),
  untilMicros: at(until),
});

Deno.test("partitionsOf names the months and the years (UTC) that a span touches", () => {
  const from = at("2025-12-31T23:59:00Z");
  assert.deepEqual(partitionsOf(minuteLevel, from, at("2026-01-01T00:00:00Z")), [
    named("rollups_minute_202512", "2025-12-01", "2026-01-01"),
  ]);
  assert.deepEqual(partitionsOf(minuteLevel, from, at("2026-01-01T00:01:00Z")), [
    named("rollups_minute_202512", "2025-12-01", "2026-01-01"),
    named("rollups_minute_202601", "2026-01-01", "2026-02-01"),
  ]);
  assert.deepEqual(partitionsOf(dayLevel, from, at("2026-01-01T00:01:00Z")), [
    named("rollups_day_2025", "2025-01-01", "2026-01-01"),
    named("rollups_day_2026", "2026-01-01", "2027-01-01"),
  ]);
});
