import assert from "node:assert/strict";
import { type Exhausted, ViewBudget } from "./view_budget.ts";

function taken(outcome: Disposable | Exhausted): Disposable {
  assert.ok(typeof outcome === "object", `refused: ${outcome}`);
  return outcome;
}

Deno.test("ViewBudget bounds a client's views, and everyone's, until they are given back", () => {
  let shown = 0;
  const gauge = { set: (value: number) => void (shown = value) };
  const budget = new ViewBudget({ max: 5, maxPerClient: 3, gauge });
  const two = taken(budget.take("a", 2));
  assert.equal(budget.take("a", 2), "client");
  const one = taken(budget.take("a", 1));
  taken(budget.take("b", 2));
  assert.equal(budget.take("c", 1), "all");
  assert.equal(shown, 5);

  two[Symbol.dispose]();
  two[Symbol.dispose]();
  assert.equal(shown, 3);
  taken(budget.take("c", 2));
  assert.equal(budget.take("c", 1), "all");
  one[Symbol.dispose]();
  taken(budget.take("c", 1));
});
