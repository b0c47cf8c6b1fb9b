import assert from "node:assert/strict";
import { readConfigFile } from "./config_file.ts";
import { flattenSettings } from "./flatten_settings.ts";
import { secretText, text } from "./setting_kinds.ts";

const host = text({ doc: "host", default: "localhost" });
const password = secretText({ doc: "password", default: "" });
const settings = flattenSettings({ log: { level: host }, backend: { db: { host, password } } });

function read(yaml: string) {
  const { values, issues } = readConfigFile("app.yaml", yaml, settings);
  for (const { name, value } of issues) {
    assert.match(name!, /(^| in )app\.yaml$/);
    assert.equal(value, undefined, "a value could be a secret");
  }
  return {
    values: Object.fromEntries(values),
    issues: issues.map(({ name, problem }) => `${name!.replace(/ in app\.yaml$/, "")}: ${problem}`),
  };
}

const passwordOf = (written: string) => {
  const { values, issues } = read(`backend: { db: { password: ${written} } }`);
  assert.deepEqual(issues, []);
  return values["backend.db.password"];
};

Deno.test("readConfigFile keeps scalars as they were written", () => {
  for (const kept of ["0123", "1e3", "0x1f", "true", "no", "null", "~", "1_000", "2024-01-01"]) {
    assert.equal(passwordOf(kept), kept);
  }
  assert.equal(passwordOf("'0123'"), "0123");
  assert.equal(passwordOf('"tab\\t"'), "tab\t");
  assert.equal(passwordOf("''"), "");
});

Deno.test("readConfigFile neither loses nor shows text that YAML takes for a sign of its own", () => {
  for (const written of ["*s3cret", "&s3cret", "!s3cret", "!s3cret more", "@s3cret", "`s3cret"]) {
    const { values, issues } = read(`backend:\n  db:\n    password: ${written}\n`);
    assert.deepEqual(values, {});
    assert.match(issues.join(), /^app\.yaml: expected YAML: .*(quotes|line 3)/, written);
    assert.doesNotMatch(issues.join(), /s3cret/);
  }
  const shared = "log: { level: &a low }\nbackend: { db: { host: *a } }";
  assert.deepEqual(read(shared).values, { "log.level": "low", "backend.db.host": "low" });
});

Deno.test("readConfigFile takes an empty file, and empty sections", () => {
  for (
    const yaml of ["", "\n", "# nothing yet\n", "---\n", "{}", "backend:\n", "backend: {db: }"]
  ) {
    assert.deepEqual(read(yaml), { values: {}, issues: [] });
  }
});

Deno.test("readConfigFile leaves the sections of other services alone", () => {
  const yaml = "frontend: { whatever: [1] }\ngenerator: 7\nbackend: { db: { host: h } }";
  assert.deepEqual(read(yaml), { values: { "backend.db.host": "h" }, issues: [] });
});

Deno.test("readConfigFile finds every key that does not exist", () => {
  const yaml = "bakend: {}\nbackend: { port: 1, db: { hots: s3cret, __proto__: 1 } }\nlog: { x: }";
  assert.deepEqual(read(yaml).issues, [
    "bakend: no such key; did you mean backend? --help lists them",
    "backend.port: no such key; --help lists them",
    "backend.db.hots: no such key; did you mean backend.db.host? --help lists them",
    "backend.db.__proto__: no such key; --help lists them",
    "log.x: no such key; --help lists them",
  ]);
});

Deno.test("readConfigFile takes no dotted keys for nested ones", () => {
  assert.deepEqual(read("backend.db.host: h\nbackend: { db.host: h }"), {
    values: {},
    issues: [
      String.raw`backend\.db\.host: no such key; did you mean backend.db.host? --help lists them`,
      String.raw`backend.db\.host: no such key; did you mean backend.db.host? --help lists them`,
    ],
  });
});

Deno.test("readConfigFile wants one value where a value belongs", () => {
  for (const many of ["[a, b]", "{ a: b }", "[]"]) {
    assert.deepEqual(read(`backend: { db: { host: ${many} } }`), {
      values: {},
      issues: ["backend.db.host: expected a single value"],
    });
  }
});

Deno.test("readConfigFile wants keys where a section belongs", () => {
  assert.deepEqual(read("backend: [a]").issues, [
    "backend: expected keys with values below it",
  ]);
  assert.deepEqual(read("backend: { db: postgres }").issues, [
    "backend.db: expected keys with values below it",
  ]);
  assert.deepEqual(read("just text").issues, ["app.yaml: expected keys with values below it"]);
  assert.deepEqual(read("- a").issues, ["app.yaml: expected keys with values below it"]);
});

Deno.test("readConfigFile says where the YAML is broken, in a line and without its text", () => {
  for (
    const yaml of [
      "backend: { db: { password: s3cret",
      "backend:\n\tdb: s3cret",
      "log: {}\nlog: { level: s3cret }",
      "a: &x s3cret\nb: *y",
      "--- {}\n--- { a: s3cret }",
      "a: 'x' s3cret",
    ]
  ) {
    const { values, issues } = read(yaml);
    assert.deepEqual(values, {});
    assert(issues.length > 0, yaml);
    for (const issue of issues) {
      assert.match(issue, /^app\.yaml: expected YAML: [^\n]+$/);
      assert(!issue.includes("s3cret"), issue);
    }
  }
});

Deno.test("readConfigFile follows anchors", () => {
  const yaml = "log: { level: &h same }\nbackend: { db: { host: *h } }";
  assert.deepEqual(read(yaml).values, { "log.level": "same", "backend.db.host": "same" });
});
