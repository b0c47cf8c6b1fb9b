import assert from "node:assert/strict";
import { Code } from "@connectrpc/connect";
import { BrowserBackend } from "../../../tests/support/browser_backend.ts";
import { FakeBackend } from "../../../tests/support/fake_backend.ts";
import { connectBackend } from "./backend_client.ts";

Deno.test("connectBackend queries over HTTP, and again after the backend was away", async () => {
  const fake = new FakeBackend();
  fake.addDevice({ deviceId: "a" });
  await using backend = new BrowserBackend(fake);
  backend.start();
  using client = connectBackend(backend.url);
  assert.equal((await client.iot.getDevice({ deviceId: "a" })).device?.deviceId, "a");
  await assert.rejects(client.iot.getDevice({ deviceId: "b" }), { code: Code.NotFound });

  await backend.stop();
  await assert.rejects(client.iot.getDevice({ deviceId: "a" }), { code: Code.Unavailable });
  backend.start();
  assert.equal((await client.iot.getDevice({ deviceId: "a" })).device?.deviceId, "a");
});
