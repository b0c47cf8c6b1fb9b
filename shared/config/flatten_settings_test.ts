import assert from "node:assert/strict";
import { flattenSettings } from "./flatten_settings.ts";
import { text } from "./setting_kinds.ts";
import { withDefaults } from "./with_defaults.ts";

const host = text({ doc: "host", default: "localhost" });

Deno.test("flattenSettings names each setting by key, flag and variable", () => {
  const named = flattenSettings({
    log: { level: host },
    backend: { db: { max_size: host }, host },
  });
  assert.deepEqual(named.map(({ key, flag, variable }) => [key, flag, variable]), [
    ["log.level", "log-level", "APP_LOG_LEVEL"],
    ["backend.db.max_size", "db-max-size", "APP_BACKEND_DB_MAX_SIZE"],
    ["backend.host", "host", "APP_BACKEND_HOST"],
  ]);
});

Deno.test("flattenSettings gives the whole key to flags that two services share", () => {
  const shared = flattenSettings({
    generator: { host, rabbitmq_url: host, interval: host },
    backend: { host, rabbitmq: { url: host } },
    frontend: { host },
  });
  assert.deepEqual(shared.map(({ flag }) => flag), [
    "generator-host",
    "generator-rabbitmq-url",
    "interval",
    "backend-host",
    "backend-rabbitmq-url",
    "frontend-host",
  ]);
  assert.equal(new Set(shared.map(({ flag }) => flag)).size, shared.length);
});

Deno.test("withDefaults changes the defaults it is given, and no others", () => {
  const table = { backend: { db: { host, name: host } } };
  const changed = withDefaults(table, { "backend.db.host": "elsewhere" });
  assert.equal(changed.backend.db.host.default, "elsewhere");
  assert.equal(changed.backend.db.name.default, "localhost");
  assert.equal(table.backend.db.host.default, "localhost");
  assert.deepEqual(Object.keys(changed.backend.db), ["host", "name"]);
});

Deno.test("withDefaults refuses a key that does not exist", () => {
  assert.throws(
    () => withDefaults({ backend: { host } }, { "backend.hots": "x" }),
    /backend\.hots/,
  );
  assert.throws(() => withDefaults({ backend: { host } }, { "backend": "x" }), /no such setting/);
});
