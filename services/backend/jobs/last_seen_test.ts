import assert from "node:assert/strict";
import { Registry } from "prom-client";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { keptLog } from "../../../tests/support/log_lines.ts";
import { ManualClock } from "../../../tests/support/manual_clock.ts";
import { unmarked } from "../../../tests/support/unmarked.ts";
import type { ReadingRow } from "../readings/reading_row.ts";
import type { SeenDevices } from "../store/devices/lagging_devices.ts";
import { LastSeen } from "./last_seen.ts";
import { runJobs } from "./run_jobs.ts";

const intervalMs = 1_000;

const reading = (deviceId: string, micros: number): ReadingRow => ({
  deviceId,
  micros,
  tieBreak: 0n,
  values: [],
});

/** As `SeenDevices`, and of each reading its instant. */
type Seen = ReadonlyMap<string, number | undefined>;
const instantsOf = (seen: SeenDevices): Seen =>
  new Map([...seen].map(([id, reading]) => [id, reading?.micros]));

/** A `LastSeen` that is run by a clock which stands still until it is told to go on. */
async function scenario(write: (seen: Seen) => Promise<void>) {
  const clock = new ManualClock(0);
  const { log, lines } = keptLog();
  const lagging = unmarked();
  const refresh = (_: number, seen: SeenDevices) => write(instantsOf(seen));
  const lastSeen = new LastSeen({ lagging, refresh, intervalMs, log, clock });
  const running = runJobs([lastSeen], { registry: new Registry(), log, clock });
  await clock.asleep();
  /** Lets time pass, and waits for the pause that follows. */
  const pass = async (ms: number) => {
    clock.advance(ms);
    await clock.asleep();
    await clock.breathe();
  };
  return {
    clock,
    note: (id: string, micros: number) => lagging.note(defaultTenant, id, reading(id, micros)),
    lines,
    pass,
    /** An interval, and the pause after a write that took no time. */
    async interval() {
      await pass(intervalMs);
      await pass(0);
    },
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      await lastSeen[Symbol.asyncDispose]();
    },
  };
}

Deno.test("LastSeen writes the newest instant of each device, in one write", async () => {
  const writes: Seen[] = [];
  {
    await using t = await scenario((seen) => Promise.resolve(void writes.push(seen)));
    for (const [id, micros] of [["a", 1], ["b", 5], ["a", 3], ["a", 2]] as const) {
      t.note(id, micros);
    }
  }
  assert.deepEqual(writes, [new Map([["a", 3], ["b", 5]])]);
});

Deno.test("LastSeen writes once an interval, and nothing when nothing was noted", async () => {
  const writes: Seen[] = [];
  await using t = await scenario((seen) => Promise.resolve(void writes.push(seen)));
  for (let interval = 0; interval < 3; interval++) await t.interval();
  assert.deepEqual(writes, []);
  t.note("a", 1);
  await t.pass(intervalMs - 1);
  assert.deepEqual(writes, []);
  await t.pass(1);
  assert.deepEqual(writes, [new Map([["a", 1]])]);
  await t.pass(0);
  for (let interval = 0; interval < 3; interval++) await t.interval();
  assert.equal(writes.length, 1);
});

Deno.test("LastSeen keeps what could not be written, beside what is newer", async () => {
  let failing = true;
  const tried: Seen[] = [];
  const written: Seen[] = [];
  {
    await using t = await scenario((seen) => {
      tried.push(new Map(seen));
      if (failing) return Promise.reject(new Error("no database"));
      written.push(new Map(seen));
      return Promise.resolve();
    });
    t.note("a", 10);
    t.note("b", 10);
    for (let interval = 0; interval < 2; interval++) await t.interval();
    assert.equal(tried.length, 2);
    t.note("a", 5);
    t.note("b", 20);
    failing = false;
    await t.interval();
    assert.equal(written.length, 1);
    assert.deepEqual(t.lines.map(({ level }) => level), ["warning", "warning"]);
  }
  assert.deepEqual(written, [new Map([["a", 10], ["b", 20]])]);
});

Deno.test("LastSeen writes at its end what was noted while a write was under way", async () => {
  const reached = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const written: Seen[] = [];
  const t = await scenario(async (seen) => {
    reached.resolve();
    await gate.promise;
    written.push(seen);
  });
  t.note("a", 1);
  t.clock.advance(intervalMs);
  await reached.promise;
  t.note("a", 2);
  const closed = t[Symbol.asyncDispose]();
  gate.resolve();
  await closed;
  assert.deepEqual(written, [new Map([["a", 1]]), new Map([["a", 2]])]);
});

Deno.test("LastSeen writes many devices in parts, and keeps only the parts that fail", async () => {
  const devices = 5_500;
  const sizes: number[] = [];
  const written = new Set<string>();
  let failures = 3;
  await using t = await scenario((seen) => {
    if (failures-- > 0) return Promise.reject(new Error("no database"));
    sizes.push(seen.size);
    for (const id of seen.keys()) written.add(id);
    return Promise.resolve();
  });
  for (let at = 0; at < devices; at++) t.note(`device-${at}`, at);
  // An interval and a pause for each that fails, and then a pause after each of the parts.
  for (let pause = 0; pause < 14; pause++) await t.pass(intervalMs);
  assert.deepEqual(sizes.toSorted(), [1_000, 1_000, 1_000, 1_000, 1_000, 500]);
  assert.equal(written.size, devices);
  assert.deepEqual(
    t.lines.map(({ fields }) => fields),
    Array(3).fill({ job: "last_seen", error: "no database" }),
  );
});

Deno.test("LastSeen writes for no more than a twentieth of the time, however many devices", async () => {
  let writes = 0;
  await using t = await scenario(() => {
    writes++;
    t.clock.advance(7);
    return Promise.resolve();
  });
  for (let at = 0; at < 2_500; at++) t.note(`device-${at}`, at);
  await t.pass(intervalMs);
  for (const written of [1, 2]) {
    await t.pass(19 * 7 - 1);
    assert.equal(writes, written);
    await t.pass(1);
    assert.equal(writes, written + 1);
  }
});

Deno.test("LastSeen writes the newest instant of a device that waits for its turn", async () => {
  const written = new Map<string, number | undefined>();
  let writes = 0;
  await using t = await scenario((seen) => {
    if (writes++ === 0) t.note("device-1500", 7);
    for (const [id, micros] of seen) written.set(id, micros);
    return Promise.resolve();
  });
  for (let at = 0; at < 2_000; at++) t.note(`device-${at}`, 1);
  await t.pass(intervalMs);
  await t.pass(0);
  assert.equal(written.size, 2_000);
  assert.equal(written.get("device-1500"), 7);
  assert.equal(writes, 2);
});

Deno.test("LastSeen writes nothing twice, and nothing that is not, where its end meets a run", async () => {
  const gate = Promise.withResolvers<void>();
  const written: (readonly [string, number | undefined])[] = [];
  const clock = new ManualClock(0);
  const lagging = unmarked();
  const lastSeen = new LastSeen({
    lagging,
    async refresh(_, seen) {
      written.push(...instantsOf(seen));
      await gate.promise;
    },
    intervalMs,
    log: keptLog().log,
    clock,
  });
  const ids = Array.from({ length: 2_500 }, (_, at) => `device-${at}`);
  for (const id of ids) lagging.note(defaultTenant, id, reading(id, 1));
  // Its write takes longer than closing waits.
  const stuck = lastSeen.run(AbortSignal.abort());
  const last = lastSeen[Symbol.asyncDispose]();
  gate.resolve();
  await Promise.all([stuck, last]);
  assert.deepEqual(written.map(([id]) => id).toSorted(), ids.toSorted());
  assert(written.every(([, micros]) => micros === 1));
});

Deno.test("LastSeen ends even when its last write fails, and says so", async () => {
  const t = await scenario(() => Promise.reject(new Error("no database")));
  t.note("a", 1);
  await t[Symbol.asyncDispose]();
  assert.deepEqual(t.lines, [{
    level: "warning",
    message: "Cannot write when devices were last seen",
    fields: { devices: 1, error: "no database" },
  }]);
});
