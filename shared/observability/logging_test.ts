import assert from "node:assert/strict";
import { getLogger, resetSync } from "@logtape/logtape";
import type { LogConfig } from "#shared/config/log_settings.ts";
import { startLogging } from "./logging.ts";

/** The lines on standard output that the records of `log` become. */
function linesOf(config: LogConfig, log: () => void): readonly string[] {
  const lines: string[] = [];
  try {
    startLogging(config, (line) => {
      assert(line.endsWith("\n"));
      lines.push(line.slice(0, -1));
    });
    log();
  } finally {
    resetSync();
  }
  return lines;
}

/** Values that a formatter could choke on. */
const fields = {
  big: 10n,
  error: new Error("boom"),
  nothing: undefined,
  text: "a\nb",
  nested: { list: [1n, "x"] },
};

Deno.test("startLogging writes a JSON object a line, whatever the fields", () => {
  const lines = linesOf({ level: "info", format: "json" }, () => {
    getLogger("backend").info("Something happened", fields);
    getLogger("backend").error("Something broke");
  });
  const [first, second] = lines.map((line) => {
    assert(!line.includes("\n"));
    return JSON.parse(line);
  });
  assert.equal(lines.length, 2);
  assert.equal(first.message, "Something happened");
  assert.equal(first.logger, "backend");
  assert.equal(first.level, "INFO");
  assert.equal(first.properties.text, "a\nb");
  assert.equal(first.properties.error.message, "boom");
  assert.equal(second.level, "ERROR");
});

Deno.test("startLogging writes a line for people, whatever the fields", () => {
  const [line, ...more] = linesOf({ level: "info", format: "pretty" }, () => {
    getLogger("backend").info("Something happened", fields);
  });
  assert.deepEqual(more, []);
  assert.match(
    line!,
    /INF.*backend.*Something happened big=10n error=boom nothing=undefined text="a\\nb" nested=/,
  );
  assert.match(line!, /1n, "x"/);
});

Deno.test("startLogging leaves out what is less severe than its level", () => {
  const lines = linesOf({ level: "warning", format: "json" }, () => {
    const log = getLogger(["dev", "backend"]);
    log.debug("debug");
    log.info("info");
    log.warning("warning");
  });
  assert.deepEqual(lines.map((line) => JSON.parse(line).message), ["warning"]);
});
