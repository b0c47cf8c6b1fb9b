import assert from "node:assert/strict";
import { loadedArguments } from "./loaded_arguments.ts";

Deno.test("loadedArguments reads how often, and passes the rest on in order", () => {
  assert.deepEqual(loadedArguments(["tests", "--times=3", "--filter", "a b"]), {
    times: 3,
    passedOn: ["tests", "--filter", "a b"],
  });
  assert.deepEqual(loadedArguments(["--", "--times=3"]), {
    times: 10,
    passedOn: ["--", "--times=3"],
  });
});

Deno.test("loadedArguments refuses what is no number of runs", () => {
  for (const times of ["0", "-1", "1.5", "many"]) {
    assert.equal(loadedArguments([`--times=${times}`]), undefined, times);
  }
});
