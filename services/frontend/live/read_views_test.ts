import assert from "node:assert/strict";
import { maxViews, readViews } from "./read_views.ts";
import type { RequestedView, ViewKind } from "./view_kind.ts";

/** Kinds `a`, of every text, and `b`, of the number 1; and what they were asked to read. */
function kindsAndCalls() {
  const calls: unknown[] = [];
  const view: RequestedView = { open: () => assert.fail("nothing is opened by being read") };
  const kind = (name: string, takes: (value: unknown) => boolean): ViewKind => ({
    name,
    read(value, after) {
      calls.push([name, value, after]);
      return takes(value) ? view : undefined;
    },
  });
  const kinds = [
    kind("a", (value) => typeof value === "string"),
    kind("b", (value) => value === 1),
  ];
  return { kinds, calls };
}

Deno.test("readViews lets the kind that a view names read it", () => {
  const { kinds, calls } = kindsAndCalls();
  const read = readViews({ views: [{ a: "" }, { b: 1, after: "x", other: 2 }] }, kinds);
  assert.equal(read?.length, 2);
  assert.deepEqual(calls, [["a", "", undefined], ["b", 1, "x"]]);
});

Deno.test("readViews takes 32 views and no more", () => {
  const { kinds } = kindsAndCalls();
  const views = Array.from({ length: maxViews }, () => ({ a: "" }));
  assert.equal(maxViews, 32);
  assert.equal(readViews({ views }, kinds)?.length, 32);
  assert.equal(readViews({ views: [...views, { a: "" }] }, kinds), undefined);
});

Deno.test("readViews takes nothing of a request of which it cannot read all", () => {
  const { kinds } = kindsAndCalls();
  const bad: unknown[] = [
    ...[undefined, null, "views", {}, { views: {} }, { views: [] }, { views: [null] }],
    ...[{}, { c: "" }, { a: "", b: 1 }, { a: "", b: null }, { a: 1 }, { b: 2 }].map(
      (view) => ({ views: [{ a: "" }, view] }),
    ),
    ...[{ a: "", after: 7 }, { a: "", after: null }, { toString: "" }].map((view) => ({
      views: [view],
    })),
    // Inherited is not sent.
    { views: [Object.create({ a: "" })] },
  ];
  for (const body of bad) assert.equal(readViews(body, kinds), undefined, JSON.stringify(body));
});
