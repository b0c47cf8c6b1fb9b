import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { waitUntil } from "../../../tests/support/wait_until.ts";
import { LastSeen } from "./last_seen.ts";

const log = getLogger("last-seen-test");
const never = 3_600_000;
const until = (condition: () => boolean, what: string) =>
  waitUntil(condition, { deadlineMs: 20_000, what });

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

Deno.test("LastSeen ends even when its last write fails", async () => {
  const lastSeen = new LastSeen({
    touch: () => Promise.reject(new Error("no database")),
    intervalMs: never,
    log,
  });
  lastSeen.note("a", 1);
  await lastSeen[Symbol.asyncDispose]();
});
