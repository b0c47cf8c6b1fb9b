import assert from "node:assert/strict";
import { retryQuery } from "./retry_query.ts";

/** Tries of a query that always fails, after so long. */
async function tries(error: Error, tookMs: number): Promise<number> {
  let count = 0;
  let nowMs = 0;
  const query = () => {
    count++;
    nowMs += tookMs;
    return Promise.reject(error);
  };
  const { signal } = new AbortController();
  await assert.rejects(retryQuery(signal, query, () => nowMs), error);
  return count;
}

const fromServer = (code: string) =>
  Object.assign(new Error("said the server"), { code, severity: "ERROR" });
const fromSystem = (code: string) => Object.assign(new Error(code), { code });

Deno.test("retryQuery runs a query again that has ended, or never began", async () => {
  const ended = [
    [fromSystem("ECONNREFUSED"), 3],
    [new Error("Connection terminated unexpectedly"), 3],
    // The server has the last word, however long it took to say it.
    [fromServer("57P01"), 60_000],
    [fromServer("40001"), 60_000],
  ] as const;
  const counts = await Promise.all(ended.map(([error, tookMs]) => tries(error, tookMs)));
  assert.deepEqual(counts, [5, 5, 5, 5]);
});

Deno.test("retryQuery runs no query beside itself, nor one that had its time", async () => {
  for (
    const [error, tookMs] of [
      [new Error("Connection timeout: the database was silent for 15000 ms"), 15_000],
      [fromSystem("ECONNRESET"), 15_000],
      [fromServer("57014"), 10_000],
      [fromServer("55P03"), 10_000],
      [fromServer("42P01"), 3],
      [new Error("a fault of ours"), 3],
    ] as const
  ) {
    assert.equal(await tries(error, tookMs), 1, error.message);
  }
});

Deno.test("retryQuery does not try again once nobody waits", async () => {
  const left = new AbortController();
  const error = fromSystem("ECONNREFUSED");
  let count = 0;
  const query = () => {
    if (++count === 2) left.abort();
    return Promise.reject(error);
  };
  await assert.rejects(retryQuery(left.signal, query), error);
  assert.equal(count, 2);
});
