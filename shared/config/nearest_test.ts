import assert from "node:assert/strict";
import { editDistance, nearest } from "./nearest.ts";

Deno.test("editDistance counts insertions, removals, replacements and swaps", () => {
  for (
    const [from, to, distance] of [
      ["", "", 0],
      ["", "abc", 3],
      ["host", "host", 0],
      ["hots", "host", 1],
      ["hst", "host", 1],
      ["hoost", "host", 1],
      ["hast", "host", 1],
      ["kitten", "sitting", 3],
      ["ab", "ba", 1],
      ["ca", "abc", 3],
    ] as const
  ) {
    assert.equal(editDistance(from, to), distance, `${from} ${to}`);
    assert.equal(editDistance(to, from), distance, `${to} ${from}`);
  }
});

Deno.test("nearest finds what was meant, and nothing where all is far", () => {
  const flags = ["--db-host", "--db-port", "--grpc-port", "--host"];
  assert.equal(nearest("--db-hots", flags), "--db-host");
  assert.equal(nearest("--db-prot", flags), "--db-port");
  assert.equal(nearest("--DB-HOST", flags), "--db-host");
  assert.equal(nearest("--rgpcport", flags), "--grpc-port");
  assert.equal(nearest("--colour", flags), undefined);
  assert.equal(nearest("backend.port", ["backend.db.host"]), undefined);
  assert.equal(nearest("x", []), undefined);
});
