import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { Code, ConnectError, createClient, type ServiceImpl } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { status } from "@grpc/grpc-js";
import { IoTService } from "#shared/gen/iot/v1/iot_service_pb.ts";
import { GrpcJsClient, healthService, iotService } from "../../../tests/support/grpc_js_client.ts";
import {
  concat,
  endHeaders,
  field,
  frame,
  frameType,
  preface,
  requestFields,
  send,
} from "../../../tests/support/http2_frames.ts";
import { ended, inTime, limitedApi } from "../../../tests/support/limited_api.ts";
import { waitUntil } from "../../../tests/support/wait_until.ts";

const path = "/iot.v1.IoTService/GetDevice";
const encoder = new TextEncoder();

type Implementation = Partial<ServiceImpl<typeof IoTService>>;

Deno.test("the API ends a connection whose headers unpack to too much, and no other", async () => {
  await using api = await limitedApi({ getDevice: () => ({}) });
  using honest = new GrpcJsClient(api.port, iotService());
  await honest.unary("GetDevice", {});
  using connection = await Deno.connect({ port: api.port });
  const fields = requestFields(path);
  await send(
    connection,
    preface,
    frame(frameType.settings, 0, 0),
    frame(frameType.headers, endHeaders, 1, concat(fields, field(0x40, "x", "a".repeat(3_900)))),
    // As many references as no other limit minds.
    frame(frameType.headers, endHeaders, 3, concat(fields, new Uint8Array(50).fill(0xbe))),
  );
  await ended(connection);
  assert.equal(await api.refused("headers"), 1);
  await honest.unary("GetDevice", {});
});

Deno.test("the API ends a connection whose header block does not come whole in time", async () => {
  await using api = await limitedApi({ getDevice: () => ({}) }, { maxHeaderMs: 50 });
  using connection = await Deno.connect({ port: api.port });
  await send(
    connection,
    preface,
    frame(frameType.settings, 0, 0),
    frame(frameType.headers, 0, 1, requestFields(path)),
  );
  await ended(connection);
  assert.equal(await api.refused("headers"), 1);
});

Deno.test("the API takes headers as large as gRPC does", async () => {
  await using api = await limitedApi({
    getDevice: (_request, { requestHeader }) => ({
      device: { deviceId: String(requestHeader.get("authorization")?.length) },
    }),
  });
  const session = connectHttp2(`http://127.0.0.1:${api.port}`);
  const call = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/json",
    authorization: "a".repeat(12_000),
    ...Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`x-${at}`, String(at)])),
  });
  call.end("{}");
  let body = "";
  call.on("data", (chunk) => body += chunk);
  await once(call, "end");
  assert.deepEqual(JSON.parse(body), { device: { deviceId: "12000" } });
  session.close();
  await once(session, "close");
});

Deno.test("the API ends unary calls at its own deadline, or the client's if that is sooner, heeded or not", async () => {
  const never = () => new Promise<never>(() => {});
  let reason: unknown;
  const getDevice: Implementation["getDevice"] = (_request, { signal }) => {
    signal.addEventListener("abort", () => reason = signal.reason);
    return never();
  };
  await using api = await limitedApi({ getDevice }, { callMs: 50 });
  const client = createClient(IoTService, createConnectTransport({ baseUrl: api.url }));
  await assert.rejects(inTime(client.getDevice({})), { code: Code.DeadlineExceeded });
  assert.equal(ConnectError.from(reason).code, Code.DeadlineExceeded);

  await using patient = await limitedApi({ getDevice: never });
  // A client that leaves it to the server, so that no timer of its own may win.
  const response = await inTime(fetch(`${patient.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", "connect-timeout-ms": "50" },
    body: "{}",
  }));
  assert.equal((await response.json()).code, "deadline_exceeded");
  assert.deepEqual([...api.logged, ...patient.logged], []);
});

Deno.test("the API refuses calls beyond those that it may have in hand", async () => {
  const reached = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  await using api = await limitedApi({
    async getDevice() {
      reached.resolve();
      await finish.promise;
      return {};
    },
  }, { maxCalls: 1 });
  using grpc = new GrpcJsClient(api.port, iotService());
  const first = grpc.unary("GetDevice", {});
  await reached.promise;
  await assert.rejects(inTime(grpc.unary("GetDevice", {})), { code: status.RESOURCE_EXHAUSTED });
  const transport = createConnectTransport({ baseUrl: api.url });
  const connect = createClient(IoTService, transport).getDevice({});
  await assert.rejects(connect, { code: Code.ResourceExhausted });
  assert.equal(await api.refused("calls"), 2);
  finish.resolve();
  await first;
  await waitUntil(() => grpc.unary("GetDevice", {}), { what: "room for a call" });
});

Deno.test("the API keeps room for other calls, whatever streams clients hold", async () => {
  await using api = await limitedApi({ getDevice: () => ({}) }, { maxCalls: 2 });
  using health = new GrpcJsClient(api.port, healthService());
  const watching = health.serverStream("Watch", {});
  await inTime(once(watching, "data"));
  const second = health.serverStream("Watch", {}).resume();
  const [refused] = await inTime(once(second, "error"));
  assert.equal(refused.code, status.RESOURCE_EXHAUSTED);
  using grpc = new GrpcJsClient(api.port, iotService());
  await grpc.unary("GetDevice", {});
  watching.cancel();
  const [cancelled] = await inTime(once(watching, "error"));
  assert.equal(cancelled.code, status.CANCELLED);
});

Deno.test("the API lets idle connections give way to new ones", async () => {
  await using api = await limitedApi({ getDevice: () => ({}) }, { maxConnections: 2 });
  using silent = await Deno.connect({ port: api.port });
  using idle = await Deno.connect({ port: api.port });
  await send(idle, preface, frame(frameType.settings, 0, 0));
  using grpc = new GrpcJsClient(api.port, iotService());
  await grpc.unary("GetDevice", {});
  await ended(silent);
  using other = new GrpcJsClient(api.port, iotService(), { "grpc.use_local_subchannel_pool": 1 });
  await other.unary("GetDevice", {});
  await ended(idle);
  assert.equal(await api.refused("idle_connection"), 2);
});

Deno.test("the API ends answers that nobody reads, on HTTP/2 and HTTP/1.1", async () => {
  const location = "x".repeat(8 * 1024 * 1024);
  await using api = await limitedApi({ getDevice: () => ({ device: { location } }) }, {
    stalledMs: 100,
    pressedMs: 100,
  });
  const session = connectHttp2(`http://127.0.0.1:${api.port}`);
  const call = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/json",
  });
  call.on("error", () => {});
  call.end("{}");
  // It is never read; `once` would take its error for an error here.
  await inTime(new Promise((closed) => call.once("close", closed)));
  assert.equal(call.rstCode, 11);
  session.close();
  await once(session, "close");

  using connection = await Deno.connect({ port: api.port });
  const head = `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n`;
  await send(connection, encoder.encode(`${head}content-length: 2\r\n\r\n{}`));
  await waitUntil(async () => await api.refused("unread") >= 2, { what: "the end" });
  await ended(connection);
  assert.deepEqual(api.logged, []);
});

Deno.test("a client that leaves while it is answered is no error", async () => {
  const location = "x".repeat(8 * 1024 * 1024);
  let answered = 0;
  await using api = await limitedApi({
    getDevice() {
      answered++;
      return { device: { location } };
    },
  });
  for (let round = 0; round < 5; round++) {
    const session = connectHttp2(`http://127.0.0.1:${api.port}`);
    const calls = Array.from({ length: 4 }, () => {
      const call = session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/json",
      });
      call.on("error", () => {});
      call.end("{}");
      return call;
    });
    await Promise.all(calls.map((call) => once(call, "response")));
    session.destroy();
    using connection = await Deno.connect({ port: api.port });
    const head = `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n`;
    await send(connection, encoder.encode(`${head}content-length: 2\r\n\r\n{}`));
    await connection.read(new Uint8Array(1));
  }
  assert.equal(answered, 25);
  using grpc = new GrpcJsClient(api.port, iotService());
  await grpc.unary("GetAllDevice", {}).catch(() => {});
  assert.deepEqual(api.logged, []);
});
