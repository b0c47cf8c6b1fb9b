import assert from "node:assert/strict";
import { instantMs, utcText } from "./instant.ts";
import { measurementText } from "./measurement.ts";

Deno.test("measurementText writes units, a true minus and no negative zero", () => {
  const temperature = { unit: "°C", decimals: 1 };
  assert.equal(measurementText(-1.26, temperature), "\u22121.3\u00a0°C");
  assert.equal(measurementText(-0.04, temperature), "0.0\u00a0°C");
  assert.equal(measurementText(86.6, { unit: "%", decimals: 0 }), "87\u00a0%");
  assert.equal(measurementText(undefined, temperature), "–");
});

Deno.test("utcText shows milliseconds only where there are some", () => {
  assert.equal(utcText(instantMs(1_700_000_000n)), "2023-11-14 22:13:20");
  assert.equal(utcText(instantMs(1_700_000_000n, 123_999_999)), "2023-11-14 22:13:20.123");
  assert.equal(utcText(instantMs(9_223_372_036_854_775_807n)), "unknown");
});
