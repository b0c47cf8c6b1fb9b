import assert from "node:assert/strict";
import { hasVisible, visibleId } from "./visible_text.ts";

Deno.test("visibleId leaves alone what can be seen", () => {
  for (const id of ["d1", "مستشعر", "🌡️", "a b", "👩‍👩‍👧", "é", `"`, "..", "\u0301"]) {
    assert.equal(visibleId(id), id);
  }
});

Deno.test("visibleId quotes what cannot, or has blanks at an end", () => {
  const cases: [string, string][] = [
    [" ", `" "`],
    ["   ", `"   "`],
    [" a ", `" a "`],
    ["a\u00a0", `"a\\u{a0}"`],
    ["\u200b", `"\\u{200b}"`],
    ["\u3164", `"\\u{3164}"`],
    ["\u2800", `"\\u{2800}"`],
    ["\u{e0041}", `"\\u{e0041}"`],
    ["\u202e ", `"\\u{202e} "`],
  ];
  for (const [id, shown] of cases) {
    assert.equal(visibleId(id), shown);
    assert.equal(hasVisible(shown), true);
  }
});

Deno.test("hasVisible is false of blanks and fillers alone", () => {
  for (const text of ["", " ", "\u200b\u200d", "\ufe0f", "\uffa0", "\u2800"]) {
    assert.equal(hasVisible(text), false, JSON.stringify(text));
  }
});
