import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { waitUntil } from "../../../tests/support/wait_until.ts";
import { sweepParked } from "./sweep_parked.ts";

const log = getLogger("sweep-parked-test");
const never = 3_600_000;

/** A move that finds these counts, one after the other, and then nothing. */
function movesOf(...found: readonly (number | Error)[]) {
  const calls: (number | Error)[] = [];
  const move = () => {
    const next = found[calls.length] ?? 0;
    calls.push(next);
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
  };
  return { calls, move };
}

const until = (condition: () => boolean, what: string) => waitUntil(condition, { what });

Deno.test("sweepParked looks at once, and again as long as it finds readings", async () => {
  const { calls, move } = movesOf(10, 10, 3);
  await using _sweeper = sweepParked({ move, intervalMs: never, log });
  await until(() => calls.length === 4, "the look that finds nothing");
  assert.deepEqual(calls, [10, 10, 3, 0]);
});

Deno.test("sweepParked looks again after an interval, and after a failure", async () => {
  const { calls, move } = movesOf(0, new Error("no database"), 0, 5);
  await using _sweeper = sweepParked({ move, intervalMs: 1, log });
  await until(() => calls.length > 5, "looks after the failure");
});

Deno.test("sweepParked ends while it has more to move, once the statement is done", async () => {
  const gate = Promise.withResolvers<void>();
  let calls = 0;
  const sweeper = sweepParked({
    async move() {
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
