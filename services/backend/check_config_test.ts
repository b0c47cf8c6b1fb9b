import assert from "node:assert/strict";
import { ConfigError } from "#shared/config/config_error.ts";
import { backendConfig } from "../../tests/support/backend_run.ts";
import { checkConfig } from "./check_config.ts";

for (
  const [flags, named] of [
    [{ "rabbitmq-prefetch": "999" }, /backend\.rabbitmq\.prefetch.*999.*at least 1000/s],
    [{ "ingest-writers": "7" }, /backend\.db\.max_connections.*10.*at least 11: each of the 7/s],
    [
      { "ingest-writers": "1", "rabbitmq-queue-type": "quorum", "rabbitmq-queue-durable": "false" },
      /queue/,
    ],
  ] as const
) {
  Deno.test(`The backend refuses ${JSON.stringify(flags)}, and names what to mend`, () => {
    assert.throws(
      () => checkConfig(backendConfig(flags)),
      (error) => error instanceof ConfigError && named.test(error.message),
    );
  });
}

Deno.test("The backend takes as many writers as leave a connection to all others", () => {
  checkConfig(backendConfig({ "ingest-writers": "6", "rabbitmq-prefetch": "1000" }));
});

Deno.test("The backend takes any number of writers to the embedded database, which has no connections", () => {
  checkConfig(backendConfig({ "ingest-writers": "32", "db-url": "pglite://.data/pglite" }));
});
