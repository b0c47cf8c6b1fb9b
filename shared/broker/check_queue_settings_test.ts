import assert from "node:assert/strict";
import { ConfigError } from "#shared/config/config_error.ts";
import { checkQueueSettings } from "./check_queue_settings.ts";

Deno.test("checkQueueSettings refuses a quorum queue that is not durable, and nothing else", () => {
  const check = (durable: boolean, type: "classic" | "quorum") =>
    checkQueueSettings("backend", "backend.rabbitmq", { durable, type });
  check(true, "classic");
  check(false, "classic");
  check(true, "quorum");
  assert.throws(() => check(false, "quorum"), ConfigError);
  assert.throws(
    () => check(false, "quorum"),
    /backend\.rabbitmq\.queue_durable = "false": expected true, as backend\.rabbitmq\.queue_type is/,
  );
});
