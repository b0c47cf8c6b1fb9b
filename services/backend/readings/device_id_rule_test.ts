import assert from "node:assert/strict";
import { deviceIdProblem } from "./device_id_rule.ts";

Deno.test("deviceIdProblem takes ids of any script, with blanks in and around them", () => {
  for (
    const id of [
      "a",
      " a",
      "a\u200b",
      "\u00a0\u0663\u00a0", // an Arabic digit between no-break spaces
      "\u{1f321}\ufe0f",
      "\u{1f321}".repeat(255),
      "e\u0301\u200d\u2028\ufeff\u{10ffff}",
      "ᄀ",
      "\u0301",
      "\ue000", // of private use
    ]
  ) assert.equal(deviceIdProblem(id), undefined, JSON.stringify(id));
});

Deno.test("deviceIdProblem refuses ids of which nothing can be seen", () => {
  const blanks = [
    " ",
    "   ",
    "\u00a0",
    "\u1680",
    "\u2003",
    "\u2028",
    "\u2029",
    "\u202f",
    "\u205f",
    "\u3000",
    "\u200b", // zero width space
    "\u200d", // zero width joiner
    "\u2060", // word joiner
    "\ufeff", // byte order mark
    "\u00ad", // soft hyphen
    "\u034f", // combining grapheme joiner
    "\u061c", // Arabic letter mark
    "\u202e", // right-to-left override
    "\u3164", // Hangul filler
    "\uffa0", // half-width Hangul filler
    "\u115f",
    "\u17b4",
    "\ufe0f", // variation selector
    "\u{e0020}", // tag space
    "\u{e0100}",
    "\u2800", // Braille, no dots
    "\u{1d159}", // null notehead
    "\ufff9", // interlinear annotation
  ];
  for (const id of [...blanks, blanks.join("")]) {
    assert.equal(deviceIdProblem(id), "has no visible character", escape(id));
    assert.equal(deviceIdProblem(`${id}x${id}`), undefined, escape(id));
  }
});

Deno.test("deviceIdProblem refuses the empty, the too long, and control characters", () => {
  assert.equal(deviceIdProblem(""), "is empty");
  assert.equal(deviceIdProblem("x".repeat(256)), "is longer than 255 characters");
  assert.equal(deviceIdProblem("\u{1f321}".repeat(256)), "is longer than 255 characters");
  for (const character of ["\0", "\t", "\n", "\x1f", "\x7f", "\x80", "\x85", "\x9f"]) {
    assert.equal(deviceIdProblem(character), "has a control character");
    assert.equal(deviceIdProblem(`a${character}b`), "has a control character");
  }
});

const escape = (id: string) => [...id].map((char) => char.codePointAt(0)!.toString(16)).join(" ");
