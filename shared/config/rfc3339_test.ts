import assert from "node:assert/strict";
import fc from "fast-check";
import { formatInstant, parseInstant } from "./rfc3339.ts";

Deno.test("an instant is read to the microsecond, in any offset", () => {
  const wanted = Date.UTC(2026, 0, 31, 12, 0, 0) * 1_000 + 250_000;
  assert.equal(parseInstant("2026-01-31T12:00:00.25Z"), wanted);
  assert.equal(parseInstant("2026-01-31T14:30:00.250000999+02:30"), wanted);
  assert.equal(parseInstant("2026-01-31 12:00:00.25z"), wanted);
});

Deno.test("what is no instant is refused", () => {
  for (
    const text of [
      "",
      "now",
      "2026-01-31",
      "2026-01-31T12:00:00",
      "2026-02-30T12:00:00Z",
      "2026-13-01T12:00:00Z",
      "2026-01-31T25:00:00Z",
      "1768435200",
    ]
  ) {
    assert.equal(parseInstant(text), undefined, text);
  }
});

Deno.test("an instant that is written is read back, to the microsecond", () => {
  const anyMicros = fc.integer({
    min: Date.UTC(2000, 0) * 1_000,
    max: Date.UTC(2199, 11) * 1_000,
  });
  fc.assert(fc.property(anyMicros, (micros) => {
    assert.equal(parseInstant(formatInstant(micros)), micros);
  }));
});
