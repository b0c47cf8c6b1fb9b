import assert from "node:assert/strict";
import type { Setting } from "./setting.ts";
import {
  duration,
  durationOr,
  listenPort,
  oneOf,
  secretText,
  secretUrl,
  text,
  trueOrFalse,
  wholeNumber,
} from "./setting_kinds.ts";

function accepts<Value>(
  setting: Setting<Value, string>,
  good: Readonly<Record<string, Value>>,
  bad: readonly string[],
  expected: RegExp,
): void {
  for (const [given, value] of Object.entries(good)) {
    assert.deepEqual(setting.parse(given), value, given);
  }
  for (const given of bad) {
    assert.throws(() => setting.parse(given), expected, `${JSON.stringify(given)} was accepted`);
  }
  if (setting.default !== undefined) setting.parse(setting.default);
}

Deno.test("duration reads spans of time in milliseconds", () => {
  const wait = duration({ doc: "", default: "5s", minMs: 1 });
  assert.equal(wait.suffix, "Ms");
  accepts(
    wait,
    {
      "1ms": 1,
      "500ms": 500,
      "5s": 5_000,
      "1.5s": 1_500,
      "1m30s": 90_000,
      "24h": 86_400_000,
      "1d": 86_400_000,
    },
    ["", "0", "0s", "5", "-5s", "+5s", "5 s", "s", "2d", "5S", "1e3s", "24h1ms", "5s ", "1m-1s"],
    /^Error: expected a duration such as 500ms, 5s or 1m30s, from 1ms to 1d$/,
  );
});

Deno.test("duration has a least that is its own", () => {
  const sweep = duration({ doc: "", default: "10s", minMs: 100 });
  accepts(sweep, { "100ms": 100 }, ["99ms"], /from 100ms/);
});

Deno.test("duration has a most that is its own, in days too", () => {
  const keep = duration({ doc: "", default: "7d", minMs: 60_000, maxMs: 365 * 86_400_000 });
  accepts(
    keep,
    { "30d": 30 * 86_400_000, "1d12h": 1.5 * 86_400_000, "1m": 60_000 },
    ["366d", "59s"],
    /^Error: expected a duration such as 5s, 1m30s or 7d, from 1m to 1y$/,
  );
});

Deno.test("durationOr takes a word for one without end, and no less than its least", () => {
  const dayMs = 86_400_000;
  accepts(
    durationOr("forever", { doc: "", default: "10y", minMs: dayMs }),
    {
      "1d": dayMs,
      "90d": 90 * dayMs,
      "10y": 3_650 * dayMs,
      "1000y": 365e3 * dayMs,
      forever: Infinity,
    },
    ["", "23h", "0d", "90", "never", "Forever", "Infinity"],
    /^Error: expected a duration such as 90d or 10y, of at least 1d, or forever$/,
  );
});

Deno.test("wholeNumber keeps to its bounds, and to digits", () => {
  accepts(
    wholeNumber({ doc: "", default: 3, min: -1, max: 10 }),
    { "-1": -1, "0": 0, "+7": 7, "010": 10 },
    ["", "-2", "11", "1.0", "1e1", "0x1", " 1", "1 ", "NaN", "Infinity", "1_0", "9".repeat(400)],
    /^Error: expected a whole number, -1 to 10$/,
  );
});

Deno.test("listenPort takes 0 to 65535", () => {
  accepts(
    listenPort({ doc: "", default: 8080 }),
    { "0": 0, "1": 1, "65535": 65_535 },
    ["", "-1", "65536", "80a", "1.5", "http"],
    /^Error: expected a port, 0 to 65535$/,
  );
});

Deno.test("trueOrFalse takes those two words", () => {
  accepts(
    trueOrFalse({ doc: "", default: true }),
    { true: true, false: false },
    ["", "1", "0", "yes", "True", "TRUE"],
    /^Error: expected true or false$/,
  );
});

Deno.test("oneOf takes its words", () => {
  accepts(
    oneOf(["classic", "quorum"], { doc: "", default: "classic" }),
    { classic: "classic", quorum: "quorum" },
    ["", "Quorum", "stream", "toString"],
    /^Error: expected one of classic, quorum$/,
  );
});

Deno.test("text is not empty; a secret may be", () => {
  accepts(text({ doc: "", default: "x" }), { a: "a", " a ": " a " }, ["", " ", "\n"], /some text/);
  const secret = secretText({ doc: "", default: "" });
  assert(secret.secret);
  accepts(secret, { "": "", " ": " " }, [], /never/);
});

Deno.test("secretUrl takes the URLs of its protocols, and repeats none", () => {
  const broker = secretUrl(["amqp:", "amqps:"], { doc: "", default: "amqp://localhost:5672" });
  assert(broker.secret);
  assert.equal(broker.parse("amqp://u:p@h:1/v").password, "p");
  for (const bad of ["", "h:5672", "localhost", "http://s3cret", "amqp://h:s3cret", "//s3cret"]) {
    assert.throws(() => broker.parse(bad), /^Error: expected a URL: amqp:\/\/…, amqps:\/\/…$/);
  }
});
