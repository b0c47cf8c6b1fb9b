import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { waitUntil } from "../../../tests/support/wait_until.ts";
import { sweepParked } from "./sweep_parked.ts";

const log = getLogger("sweep-parked-test");
const never = 3_600_000;

/** A release that finds these counts, one after the other, and then nothing. */
function releaseOf(...found: readonly (number | Error)[]) {
  const calls: (number | Error)[] = [];
  const release = () => {
    const next = found[calls.length] ?? 0;
    calls.push(next);
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
  };
  return { calls, release };
}

const until = (condition: () => boolean, what: string) => waitUntil(condition, { what });

Deno.test("sweepParked looks at once, and again as long as it finds readings", async () => {
  const { calls, release } = releaseOf(10, 10, 3);
  await using _sweeper = sweepParked({ release, intervalMs: never, log });
  await until(() => calls.length === 4, "the look that finds nothing");
  assert.deepEqual(calls, [10, 10, 3, 0]);
});

Deno.test("sweepParked looks again after an interval, and after a failure", async () => {
  const { calls, release } = releaseOf(0, new Error("no database"), 0, 5);
  await using _sweeper = sweepParked({ release, intervalMs: 1, log });
  await until(() => calls.length > 5, "looks after the failure");
});

Deno.test("sweepParked ends while it has more to release, once the statement is done", async () => {
  const gate = Promise.withResolvers<void>();
  let calls = 0;
  const sweeper = sweepParked({
    async release() {
      calls++;
      await gate.promise;
      return 1;
    },
    intervalMs: never,
    log,
  });
  const closed = sweeper[Symbol.asyncDispose]();
  gate.resolve();
  await closed;
  assert.equal(calls, 1);
});
