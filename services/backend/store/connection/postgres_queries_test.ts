import assert from "node:assert/strict";
import { Timeouts } from "#shared/lifecycle/timeouts.ts";
import { PostgresQueries } from "./postgres_queries.ts";
import type { Session } from "./session_pool.ts";

const nobodyLeaves = new AbortController().signal;

/** Queries on one session, which can be told that it failed. */
function oneSession() {
  const seen = { lent: 0, returned: 0, failed: false };
  const session: Session = {
    query: () => assert.fail(),
    cancel: () => assert.fail(),
    get givenUp() {
      return seen.failed;
    },
    release() {
      seen.returned++;
      seen.failed = false;
    },
  };
  const connect = () => {
    assert.equal(seen.lent++, seen.returned, "nobody else has it");
    return Promise.resolve(session);
  };
  const maxWait = new Timeouts(60_000);
  const queries = new PostgresQueries({ sessions: { connect }, max: 1, maxWait });
  return { seen, queries, [Symbol.dispose]: () => maxWait[Symbol.dispose]() };
}

Deno.test("PostgresQueries hands a session on to who waits, and returns it now and then", async () => {
  using one = oneSession();
  let running = 0;
  const runs = Array.from({ length: 250 }, () =>
    one.queries.run(nobodyLeaves, async () => {
      assert.equal(running++, 0);
      await Promise.resolve();
      running--;
    }));
  await Promise.all(runs);
  // Each has it for 101 callers at most.
  assert.deepEqual(one.seen, { lent: 3, returned: 3, failed: false });
});

Deno.test("PostgresQueries hands no session on that has failed", async () => {
  using one = oneSession();
  const failing = one.queries.run(nobodyLeaves, () => {
    one.seen.failed = true;
    return Promise.reject(new Error("lost"));
  });
  const next = one.queries.run(nobodyLeaves, () => Promise.resolve("answered"));
  await assert.rejects(failing, /lost/);
  assert.equal(await next, "answered");
  assert.deepEqual(one.seen, { lent: 2, returned: 2, failed: false });
});
