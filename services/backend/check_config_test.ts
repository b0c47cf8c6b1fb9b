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
    [
      { "retention-raw": "6d" },
      /backend\.retention\.raw.*6d.*at least 7d.*backend\.history\.after/s,
    ],
    [
      { "retention-history": "6d" },
      /retention\.history.*6d.*at least 7d.*backend\.history\.after/s,
    ],
    [
      { "retention-raw": "1d", "retention-history": "2d", "history-after": "3d" },
      /retention\.raw.*retention\.history/s,
    ],
    [
      {
        "retention-raw": "forever",
        "retention-history": "forever",
        "retention-archive": "archive",
      },
      /backend\.retention\.archive.*archive.*no effect/s,
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

Deno.test("The backend takes a short life of rows where nothing is packed, and archives what anything drops", () => {
  checkConfig(backendConfig({ "history-compaction": "false", "retention-raw": "1d" }));
  checkConfig(backendConfig({ "retention-raw": "forever", "retention-archive": "archive" }));
  checkConfig(backendConfig({ "retention-history": "forever", "retention-archive": "archive" }));
});
