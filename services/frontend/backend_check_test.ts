import assert from "node:assert/strict";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { IoTService } from "#shared/gen/iot/v1/iot_service_pb.ts";
import { FakeBackend } from "../../tests/support/fake_backend.ts";
import { backendCheck } from "./backend_check.ts";

Deno.test("backendCheck asks the backend once a second, however many ask", async () => {
  const backend = new FakeBackend();
  const clock = { ms: 0 };
  const iot = createClient(IoTService, createRouterTransport(backend.routes));
  const check = backendCheck(iot, () => clock.ms);
  assert.deepEqual(await Promise.all([check(), check(), check()]), [true, true, true]);
  backend.failure = new ConnectError("no", Code.Unavailable);
  clock.ms = 999;
  assert.equal(await check(), true);
  assert.equal(backend.calls.getAllDevice, 1);
  clock.ms = 1_000;
  assert.deepEqual(await Promise.all([check(), check()]), [false, false]);
  assert.equal(backend.calls.getAllDevice, 2);
});
