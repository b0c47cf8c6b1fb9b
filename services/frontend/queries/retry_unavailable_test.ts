import assert from "node:assert/strict";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { IoTService } from "#shared/gen/iot/v1/iot_service_pb.ts";
import { FakeBackend } from "../../../tests/support/fake_backend.ts";
import { retryUnavailable } from "./retry_unavailable.ts";

function retryingClient(code: Code, wait: (ms: number) => void) {
  const backend = new FakeBackend();
  backend.failure = new ConnectError("refused", code);
  const interceptors = [retryUnavailable((ms) => Promise.resolve(wait(ms)))];
  const transport = createRouterTransport(backend.routes, { transport: { interceptors } });
  return { backend, iot: createClient(IoTService, transport) };
}

Deno.test("retryUnavailable tries 5 times, waiting longer each time", async () => {
  const waits: number[] = [];
  const { backend, iot } = retryingClient(Code.Unavailable, (ms) => waits.push(ms));
  await assert.rejects(iot.getAllDevice({}), { code: Code.Unavailable });
  assert.equal(backend.calls.getAllDevice, 5);
  assert.equal(waits.length, 4);
  assert.ok(waits.every((ms, i) => i === 0 || ms > waits[i - 1]!), String(waits));
});

Deno.test("retryUnavailable answers once the backend does", async () => {
  const { backend, iot } = retryingClient(Code.Unavailable, () => backend.failure = undefined);
  assert.deepEqual((await iot.getAllDevice({})).devices, []);
  assert.equal(backend.calls.getAllDevice, 2);
});

Deno.test("retryUnavailable leaves other failures alone", async () => {
  const { backend, iot } = retryingClient(Code.Internal, () => {});
  await assert.rejects(iot.getAllDevice({}), { code: Code.Internal });
  assert.equal(backend.calls.getAllDevice, 1);
});

Deno.test("retryUnavailable stops at the deadline of the call", async () => {
  const deadline = new AbortController();
  const { backend, iot } = retryingClient(Code.Unavailable, () => deadline.abort());
  await assert.rejects(iot.getAllDevice({}, { signal: deadline.signal }));
  assert.equal(backend.calls.getAllDevice, 1);
});
