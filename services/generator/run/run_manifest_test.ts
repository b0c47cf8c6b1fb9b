import assert from "node:assert/strict";
import { formatManifest, parseManifest, type RunManifest } from "./run_manifest.ts";

const manifest: RunManifest = {
  model: 1,
  seed: 7,
  devices: 1_000,
  startUs: Date.UTC(2026, 0, 31, 12) * 1_000 + 1,
  intervalUs: 5_000_000,
  count: 100,
  confirmedUntilUs: undefined,
};

/** Pinned: manifests that people keep must stay readable. */
const golden = `# A run of the generator: from this, every reading of it can be computed again.
# Check what became of them: demo-app verify --manifest FILE
format: 1
model: 1
seed: 7
devices: 1000
start: 2026-01-31T12:00:00.000001Z
interval_us: 5000000
count: 100
`;

Deno.test("a manifest is written as it always was, and read back", () => {
  assert.equal(formatManifest(manifest), golden);
  assert.deepEqual(parseManifest(golden), manifest);
  const endless = { ...manifest, count: undefined, confirmedUntilUs: manifest.startUs + 3 };
  assert.deepEqual(parseManifest(formatManifest(endless)), endless);
  const fresh = { ...endless, confirmedUntilUs: undefined };
  assert.deepEqual(parseManifest(formatManifest(fresh)), fresh);
});

Deno.test("a manifest may be written as JSON", () => {
  const json = JSON.stringify({
    format: 1,
    model: 1,
    seed: 7,
    devices: 1000,
    start: "2026-01-31T12:00:00.000001Z",
    interval_us: 5000000,
    count: 100,
  });
  assert.deepEqual(parseManifest(json), manifest);
});

for (
  const [what, text, message] of [
    ["nothing", "", /no keys/],
    ["a list", "- 1", /no keys/],
    ["a broken file", "format: [", /no YAML/],
    ["another format", golden.replace("format: 1", "format: 2"), /format is 2/],
    ["another model", golden.replace("model: 1", "model: 9"), /model 9.*computes 1/],
    ["a missing key", golden.replace("seed: 7\n", ""), /seed is missing/],
    ["a wrong instant", golden.replace("12:00", "25:00"), /start is 2026.*not an instant/],
    ["no devices", golden.replace("1000", "0"), /devices is 0/],
    ["no turns", golden.replace("count: 100", "count: 0"), /count is 0/],
    ["an unknown key", `${golden}colour: red\n`, /colour is no key/],
  ] as const
) {
  Deno.test(`a manifest with ${what} is refused`, () => {
    assert.throws(() => parseManifest(text), message);
  });
}
