import assert from "node:assert/strict";
import { StatementNames } from "./statement_names.ts";

Deno.test("StatementNames names so many texts and no more, each by the same name", () => {
  const names = new StatementNames(2);
  const [one, two] = [names.of("select 1"), names.of("select 2")];
  assert.ok(one !== undefined && two !== undefined && one !== two);
  assert.equal(names.of("select 3"), undefined);
  assert.deepEqual([names.of("select 1"), names.of("select 2")], [one, two]);
});

Deno.test("StatementNames renews a name once, for whoever had the one before", () => {
  const names = new StatementNames(1);
  const before = names.of("select 1")!;
  names.renew("select 1", before);
  const after = names.of("select 1");
  assert.notEqual(after, before);
  names.renew("select 1", before);
  assert.equal(names.of("select 1"), after);
});
