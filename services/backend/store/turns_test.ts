import assert from "node:assert/strict";
import { Timeouts } from "#shared/lifecycle/timeouts.ts";
import { DatabaseBusyError, Turns } from "./turns.ts";

Deno.test("Turns come kind by kind, in the order of coming among one kind", async () => {
  const turns = new Turns(["write", "read", "job"], 1);
  const order: string[] = [];
  const first = await turns.take("read");
  const kinds = ["read", "read", "read", "job", "write", "write"] as const;
  const all = kinds.map(async (kind, at) => {
    using _ = await turns.take(kind);
    order.push(`${kind} ${at}`);
  });
  first[Symbol.dispose]();
  await Promise.all(all);
  assert.deepEqual(order, ["read 0", "job 3", "write 4", "read 1", "write 5", "read 2"]);
  // All seats are free again.
  using maxWait = new Timeouts(0);
  using _ = await turns.take("job", { maxWait });
});

Deno.test("Turns are as many at once as there are seats", async () => {
  const turns = new Turns(["read"], 2);
  using _first = await turns.take("read");
  const second = await turns.take("read");
  using maxWait = new Timeouts(1);
  await assert.rejects(turns.take("read", { maxWait }), DatabaseBusyError);
  const third = turns.take("read");
  second[Symbol.dispose]();
  (await third)[Symbol.dispose]();
});

Deno.test("Turns pass over who has left", async () => {
  const turns = new Turns(["read"], 1);
  const first = await turns.take("read");
  const leaving = new AbortController();
  const left = turns.take("read", { signal: leaving.signal });
  const next = turns.take("read");
  const reason = new Error("left");
  leaving.abort(reason);
  await assert.rejects(left, reason);
  await assert.rejects(turns.take("read", { signal: leaving.signal }), reason);
  first[Symbol.dispose]();
  (await next)[Symbol.dispose]();
});

Deno.test("Turns gives none to one who leaves in the moment that it comes", async () => {
  const turns = new Turns(["one"], 1);
  const turn = await turns.take("one");
  const leaving = new AbortController();
  const left = assert.rejects(turns.take("one", { signal: leaving.signal }), /gone/);
  const next = turns.take("one");
  leaving.abort(new Error("gone"));
  turn[Symbol.dispose]();
  await left;
  (await next)[Symbol.dispose]();
});
