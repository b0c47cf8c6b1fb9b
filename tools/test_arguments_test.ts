import assert from "node:assert/strict";
import { testArguments } from "./test_arguments.ts";

Deno.test("testArguments keeps its own flags and passes the rest on in order", () => {
  assert.deepEqual(testArguments(["tests", "--require-all", "--filter", "a b"]), {
    requireAll: true,
    ownServices: false,
    passedOn: ["tests", "--filter", "a b"],
  });
});

Deno.test("testArguments leaves what follows -- to the tests", () => {
  assert.deepEqual(testArguments(["--own-services", "--", "--require-all"]), {
    requireAll: false,
    ownServices: true,
    passedOn: ["--", "--require-all"],
  });
});
