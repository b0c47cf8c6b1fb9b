import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { waitUntil } from "../../../tests/support/wait_until.ts";
import { LastSeen } from "./last_seen.ts";

const log = getLogger("last-seen-test");
const never = 3_600_000;
const until = (condition: () => boolean, what: string) => waitUntil(condition, { what });

Deno.test("LastSeen writes the newest instant of each device, in one write", async () => {
  const writes: ReadonlyMap<string, number>[] = [];
  {
    await using lastSeen = new LastSeen({
      touch: (seen) => Promise.resolve(void writes.push(seen)),
      intervalMs: never,
      log,
    });
    for (const [id, micros] of [["a", 1], ["b", 5], ["a", 3], ["a", 2]] as const) {
      lastSeen.note(id, micros);
    }
  }
  assert.deepEqual(writes, [new Map([["a", 3], ["b", 5]])]);
});

Deno.test("LastSeen writes once an interval, and nothing when nothing was noted", async () => {
  let intervals = 0;
  const writes: ReadonlyMap<string, number>[] = [];
  await using lastSeen = new LastSeen({
    touch: (seen) => Promise.resolve(void writes.push(seen)),
    get intervalMs() {
      intervals++;
      return 1;
    },
    log,
  });
  await until(() => intervals > 5, "some intervals");
  assert.deepEqual(writes, []);
  lastSeen.note("a", 1);
  const noted = intervals;
  await until(() => intervals > noted + 5, "some more intervals");
  assert.deepEqual(writes, [new Map([["a", 1]])]);
});

Deno.test("LastSeen keeps what could not be written, beside what is newer", async () => {
  let failing = true;
  const tried: ReadonlyMap<string, number>[] = [];
  const written: ReadonlyMap<string, number>[] = [];
  {
    await using lastSeen = new LastSeen({
      touch(seen) {
        tried.push(new Map(seen));
        if (failing) return Promise.reject(new Error("no database"));
        written.push(new Map(seen));
        return Promise.resolve();
      },
      intervalMs: 5,
      log,
    });
    lastSeen.note("a", 10);
    lastSeen.note("b", 10);
    await until(() => tried.length >= 2, "two tries");
    lastSeen.note("a", 5);
    lastSeen.note("b", 20);
    failing = false;
    await until(() => written.length === 1, "a write");
  }
  assert.deepEqual(written, [new Map([["a", 10], ["b", 20]])]);
});

Deno.test("LastSeen writes at its end what was noted while a write was under way", async () => {
  const reached = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const written: ReadonlyMap<string, number>[] = [];
  const lastSeen = new LastSeen({
    async touch(seen) {
      reached.resolve();
      await gate.promise;
      written.push(seen);
    },
    intervalMs: 1,
    log,
  });
  lastSeen.note("a", 1);
  await reached.promise;
  lastSeen.note("a", 2);
  const closed = lastSeen[Symbol.asyncDispose]();
  gate.resolve();
  await closed;
  assert.deepEqual(written, [new Map([["a", 1]]), new Map([["a", 2]])]);
});

Deno.test("LastSeen writes a million devices in parts, and keeps only the parts that fail", async () => {
  const sizes: number[] = [];
  const written = new Set<string>();
  let failures = 3;
  {
    await using lastSeen = new LastSeen({
      touch(seen) {
        if (failures-- > 0) return Promise.reject(new Error("no database"));
        sizes.push(seen.size);
        for (const id of seen.keys()) written.add(id);
        return Promise.resolve();
      },
      intervalMs: 1,
      log,
    });
    for (let at = 0; at < 1_000_000; at++) lastSeen.note(`device-${at}`, at);
    await until(() => written.size === 1_000_000, "every device to be written");
  }
  assert.equal(sizes.length, 1_000);
  assert.ok(sizes.every((size) => size === 1_000));
});

Deno.test("LastSeen writes for no more than a twentieth of the time, however many devices", async () => {
  const writes: { readonly startMs: number; readonly endMs: number }[] = [];
  await using lastSeen = new LastSeen({
    async touch() {
      const startMs = performance.now();
      await until(() => performance.now() - startMs > 5, "a write that takes a while");
      writes.push({ startMs, endMs: performance.now() });
    },
    intervalMs: 1,
    log,
  });
  for (let at = 0; at < 2_500; at++) lastSeen.note(`device-${at}`, at);
  await until(() => writes.length === 3, "all to be written");
  const [first, second, third] = writes;
  for (const [before, after] of [[first!, second!], [second!, third!]] as const) {
    const tookMs = before.endMs - before.startMs;
    // Timers count whole milliseconds.
    assert.ok(after.startMs - before.endMs >= 19 * tookMs - 1);
  }
});

Deno.test("LastSeen writes the newest instant of a device that waits for its turn", async () => {
  const written = new Map<string, number>();
  let writes = 0;
  await using lastSeen = new LastSeen({
    touch(seen) {
      if (writes++ === 0) lastSeen.note("device-1500", 7);
      for (const [id, micros] of seen) written.set(id, micros);
      return Promise.resolve();
    },
    intervalMs: 1,
    log,
  });
  for (let at = 0; at < 2_000; at++) lastSeen.note(`device-${at}`, 1);
  await until(() => written.size === 2_000, "all to be written");
  assert.equal(written.get("device-1500"), 7);
  assert.equal(writes, 2);
});

Deno.test("LastSeen ends even when its last write fails", async () => {
  const lastSeen = new LastSeen({
    touch: () => Promise.reject(new Error("no database")),
    intervalMs: never,
    log,
  });
  lastSeen.note("a", 1);
  await lastSeen[Symbol.asyncDispose]();
});
