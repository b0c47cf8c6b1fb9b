import assert from "node:assert/strict";
import { Registry } from "prom-client";
import { WaitingRows } from "./waiting_rows.ts";

Deno.test("WaitingRows counts from the oldest batch or the last write, whichever is later", async () => {
  let nowMs = 0;
  const registry = new Registry();
  const waiting = new WaitingRows(registry, () => nowMs);
  assert.equal(waiting.stalledMs(), 0);
  const first = waiting.begin("readings");
  nowMs = 4_000;
  const second = waiting.begin("readings");
  nowMs = 10_000;
  assert.equal(waiting.stalledMs(), 10_000);
  first[Symbol.dispose]();
  assert.equal(waiting.stalledMs(), 6_000);
  waiting.progressed("readings");
  nowMs = 13_000;
  assert.equal(waiting.stalledMs(), 3_000);
  // Another queue has stalls of its own.
  waiting.begin("devices");
  nowMs = 20_000;
  waiting.progressed("readings");
  assert.equal(waiting.stalledMs(), 7_000);
  const text = await registry.metrics();
  assert.match(text, /^ingest_stalled_seconds\{queue="readings"\} 0$/m);
  assert.match(text, /^ingest_stalled_seconds\{queue="devices"\} 7$/m);
  second[Symbol.dispose]();
  nowMs = 60_000;
  assert.equal(waiting.stalledMs(), 47_000);
});
