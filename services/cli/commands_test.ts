import assert from "node:assert/strict";
import { configSections } from "#shared/config/config_sections.ts";
import { flattenSettings } from "#shared/config/flatten_settings.ts";
import { commands } from "./commands.ts";

const tables = commands.flatMap(({ settings }) => [...settings.values()]);

Deno.test("A config file may have the sections of all commands, and no others", () => {
  const sections = new Set(tables.flatMap((table) => Object.keys(table)));
  assert.deepEqual(configSections.toSorted(), [...sections].sort());
});

Deno.test("A flag of a command is the same setting in each of its actions", () => {
  for (const { settings } of commands) {
    const meant = new Map<string, string>();
    for (const { flag, key, setting } of [...settings.values()].flatMap(flattenSettings)) {
      const meaning = `${key} ${setting.placeholder}`;
      assert.equal(meant.get(flag) ?? meaning, meaning, `--${flag} of ${[...settings.keys()]}`);
      meant.set(flag, meaning);
    }
  }
});

Deno.test("A key means the same in every command that has it", () => {
  const meant = new Map<string, string>();
  for (const { key, setting } of tables.flatMap(flattenSettings)) {
    const meaning = `${setting.secret} ${setting.suffix} ${setting.boolean ?? false}`;
    assert.equal(meant.get(key) ?? meaning, meaning, key);
    meant.set(key, meaning);
  }
});
