import assert from "node:assert/strict";
import { once } from "node:events";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type ServiceImpl } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { type ClientReadableStream, status } from "@grpc/grpc-js";
import { getLogger } from "@logtape/logtape";
import { Registry } from "prom-client";
import { Health } from "#shared/gen/grpc/health/v1/health_pb.ts";
import { GetDeviceResponseSchema, IoTService } from "#shared/gen/iot/v1/iot_service_pb.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import {
  GrpcJsClient,
  healthService,
  iotService,
  reflectionService,
} from "../../../tests/support/grpc_js_client.ts";
import { inTime, surelyBrokenMs, waitUntil } from "../../../tests/support/wait_until.ts";
import { type ApiOptions, serveApi } from "./serve_api.ts";

type Implementation = Partial<ServiceImpl<typeof IoTService>>;

function start(implementation: Implementation, options: Partial<ApiOptions> = {}) {
  return serveApi({
    host: "127.0.0.1",
    port: 0,
    portKey: "backend.grpc_port",
    registry: new Registry(),
    log: getLogger("test"),
    health: { ready: () => true },
    routes: (router) => router.service(IoTService, implementation),
    ...options,
  });
}

/** A logger of which only `error` is called; keeps what it was given. */
function recordingLog() {
  const logged: unknown[][] = [];
  const log = Object.create(getLogger("test"), {
    error: { value: (...given: unknown[]) => logged.push(given) },
  });
  return { log, logged };
}

const hourMs = 3_600_000;
const anyDevice = create(GetDeviceResponseSchema, { device: { deviceId: "d" } });

Deno.test("serveApi answers grpc-js with what the method returns", async () => {
  await using api = await start({
    getDevice: ({ deviceId }) => ({
      device: { deviceId, location: "Zürich 🏔", latitude: -12.5, lastSeen: 1_700_000_000n },
    }),
  });
  using client = new GrpcJsClient(api.port, iotService());
  const { device } = await client.unary<{ device: Record<string, unknown> }>("GetDevice", {
    deviceId: "sensor-1",
  });
  assert.equal(device["deviceId"], "sensor-1");
  assert.equal(device["location"], "Zürich 🏔");
  assert.equal(device["latitude"], -12.5);
  assert.equal(device["lastSeen"], "1700000000");
});

Deno.test("serveApi passes the code and message of a ConnectError", async () => {
  await using api = await start({
    getDevice() {
      throw new ConnectError("no device «x»", Code.NotFound);
    },
  });
  using client = new GrpcJsClient(api.port, iotService());
  await assert.rejects(client.unary("GetDevice", {}), {
    code: status.NOT_FOUND,
    details: "no device «x»",
  });
  await assert.rejects(client.unary("GetAllDevice", {}), { code: status.UNIMPLEMENTED });
});

Deno.test("serveApi tells a client nothing of an error that it does not know, and logs it", async () => {
  const { log, logged } = recordingLog();
  const secret = new Error("password authentication failed for postgres");
  await using api = await start({ getDevice: () => Promise.reject(secret) }, { log });
  using client = new GrpcJsClient(api.port, iotService());
  await assert.rejects(client.unary("GetDevice", {}), {
    code: status.INTERNAL,
    details: "internal error",
  });
  const method = "iot.v1.IoTService/GetDevice";
  assert.deepEqual(logged, [["RPC failed", { method, error: secret }]]);
});

Deno.test("serveApi translates the errors that its caller knows", async () => {
  class AwayError extends Error {}
  await using api = await start({ getDevice: () => Promise.reject(new AwayError()) }, {
    translate: (error) =>
      error instanceof AwayError
        ? new ConnectError("the database is away", Code.Unavailable)
        : undefined,
  });
  using client = new GrpcJsClient(api.port, iotService());
  await assert.rejects(client.unary("GetDevice", {}), {
    code: status.UNAVAILABLE,
    details: "the database is away",
  });
});

Deno.test("serveApi aborts a method's signal at the deadline and when the client cancels", async () => {
  let cancel = () => {};
  /** By what ends the call. */
  const codes = new Map<string, Code>();
  const { log, logged } = recordingLog();
  await using api = await start({
    async getDevice({ deviceId: ending }, { signal }) {
      if (ending === "cancel") cancel();
      if (!signal.aborted) await once(signal, "abort");
      codes.set(ending, ConnectError.from(signal.reason).code);
      throw new Error("query was cancelled");
    },
  }, { log });
  using client = new GrpcJsClient(api.port, iotService());
  // On a busy machine a call may not get there before its deadline.
  for (let ms = 200; !codes.has("deadline") && ms < surelyBrokenMs; ms *= 2) {
    const call = client.unary("GetDevice", { deviceId: "deadline" }, { deadline: Date.now() + ms });
    await assert.rejects(call, { code: status.DEADLINE_EXCEEDED });
  }
  const call = client.unary("GetDevice", { deviceId: "cancel" }, {}, (call) => {
    cancel = () => call.cancel();
  });
  await assert.rejects(call, { code: status.CANCELLED });
  await until(() => codes.size === 2);
  // The client's timer and the server's may be a moment apart, and either may win.
  const late = codes.get("deadline")!;
  assert.ok([Code.DeadlineExceeded, Code.Canceled].includes(late), Code[late]);
  assert.equal(codes.get("cancel"), Code.Canceled);
  assert.deepEqual(logged, []);
});

Deno.test("serveApi takes and gives messages of several MB, gzip or not, up to its limit", async () => {
  const encodings: (string | null)[] = [];
  const api = await start({
    getDevice({ deviceId }, { requestHeader }) {
      encodings.push(requestHeader.get("grpc-encoding"));
      return { device: { deviceId } };
    },
  }, { graceMs: hourMs, limits: { maxMessageBytes: 4 * 1024 * 1024 } });
  const threeMegabytes = "é".repeat(1_500_000);
  for (const algorithm of [0, 2]) {
    using client = new GrpcJsClient(api.port, iotService(), {
      "grpc.default_compression_algorithm": algorithm,
    });
    const answer = await client.unary<{ device: { deviceId: string } }>("GetDevice", {
      deviceId: threeMegabytes,
    });
    assert.ok(answer.device.deviceId === threeMegabytes);
    // Compressed it is small; it counts as what it unpacks to.
    const tooLarge = client.unary("GetDevice", { deviceId: "é".repeat(2_200_000) });
    await assert.rejects(tooLarge, { code: status.RESOURCE_EXHAUSTED });
  }
  assert.deepEqual(encodings.map((encoding) => encoding ?? "identity"), ["identity", "gzip"]);
  // What was left unread of the refused messages must not hold the connections open.
  await inTime(api[Symbol.asyncDispose](), "the API to close");
});

Deno.test("serveApi answers Connect, gRPC-Web and curl over HTTP/1.1 and HTTP/2", async () => {
  await using api = await start({ getDevice: () => anyDevice });
  for (const http2 of [false, true]) {
    using client = Deno.createHttpClient({ http1: !http2, http2 });
    const fetchOver: typeof fetch = (input, init) => fetch(input, { ...init, client });
    const response = await fetchOver(`${api.url}/iot.v1.IoTService/GetDevice`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    assert.deepEqual([response.status, await response.json()], [200, {
      device: { deviceId: "d" },
    }]);
    for (const transportOf of [createConnectTransport, createGrpcWebTransport]) {
      const transport = transportOf({ baseUrl: api.url, fetch: fetchOver });
      const { device } = await createClient(IoTService, transport).getDevice({});
      assert.equal(device?.deviceId, "d");
    }
  }
});

Deno.test("serveApi refuses what it cannot read, and goes on", async () => {
  await using api = await start({ getDevice: () => anyDevice });
  const head = "POST /iot.v1.IoTService/GetDevice HTTP/1.0\r\ncontent-type: application/json\r\n";
  for (
    const [request, answer] of [
      [`${head}content-length: 2\r\n\r\n{}`, /^HTTP\/1\.1 400 /], // no host
      [`${head}host: [\r\ncontent-length: 2\r\n\r\n{}`, /^HTTP\/1\.1 400 /],
      ["GET /nothing HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", /^HTTP\/1\.1 404 /],
      ["\x16\x03\x01\x02\x00 TLS, by mistake", /^HTTP\/1\.1 400 |^$/],
      ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nno frames at all, but text, and not a little of it", /^/],
      ["PRI * HT", /^$/],
    ] as const
  ) {
    assert.match(await exchange(api.port, request), answer);
  }
  using client = new GrpcJsClient(api.port, iotService());
  await client.unary("GetDevice", {});
});

Deno.test("serveApi answers health checks for itself and each service", async () => {
  let ready: () => boolean | Promise<boolean> = () => true;
  await using api = await start({}, { health: { ready: () => ready(), pollMs: 20 } });
  using client = new GrpcJsClient(api.port, healthService());
  const check = (service: string) => client.unary<{ status: string }>("Check", { service });
  assert.deepEqual(await check(""), { status: "SERVING" });
  assert.deepEqual(await check("iot.v1.IoTService"), { status: "SERVING" });
  await assert.rejects(check("iot.v1.Nothing"), { code: status.NOT_FOUND });

  const stream = client.serverStream("Watch", { service: "" });
  const watched: string[] = [];
  stream.on("data", ({ status }: { status: string }) => watched.push(status));
  stream.on("error", () => {}); // it is cancelled below
  await until(() => watched.length === 1);
  ready = () => Promise.reject(new Error("no database"));
  await until(() => watched.length === 2);
  assert.deepEqual(await check(""), { status: "NOT_SERVING" });
  ready = () => true;
  await until(() => watched.length === 3);
  assert.deepEqual(watched, ["SERVING", "NOT_SERVING", "SERVING"]);
  stream.cancel();
  assert.equal(await statusOf(stream), status.CANCELLED);

  const unknown = client.serverStream("Watch", { service: "iot.v1.Nothing" });
  unknown.on("error", () => {});
  const [first] = await once(unknown, "data");
  assert.deepEqual(first, { status: "SERVICE_UNKNOWN" });
  unknown.cancel();
  assert.equal(await statusOf(unknown), status.CANCELLED);
});

Deno.test("serveApi tells clients its services over reflection", async () => {
  await using api = await start({});
  using client = new GrpcJsClient(api.port, reflectionService());
  const stream = client.bidiStream("ServerReflectionInfo");
  const ask = async (request: object) => {
    const answer = once(stream, "data");
    stream.write(request);
    const [response] = await answer;
    return response;
  };
  const { listServicesResponse } = await ask({ listServices: "" });
  assert.deepEqual(listServicesResponse.service, [
    { name: "grpc.health.v1.Health" },
    { name: "grpc.reflection.v1.ServerReflection" },
    { name: "iot.v1.IoTService" },
  ]);
  const { fileDescriptorResponse } = await ask({
    fileContainingSymbol: "iot.v1.IoTService.GetDevice",
  });
  assert.equal(fileDescriptorResponse.fileDescriptorProto.length, 3);
  const { errorResponse } = await ask({ fileByFilename: "iot/v2/none.proto" });
  assert.equal(errorResponse.errorCode, status.NOT_FOUND);
  stream.end();
  assert.equal(await statusOf(stream), status.OK);
});

Deno.test("serveApi counts and times RPCs by method and code", async () => {
  const registry = new Registry();
  await using api = await start({ getDevice: () => anyDevice }, { registry });
  using client = new GrpcJsClient(api.port, iotService());
  await client.unary("GetDevice", {});
  await client.unary("GetAllDevice", {}).catch(() => {});
  const metrics = await registry.metrics();
  for (
    const line of [
      'rpc_requests_total{method="iot.v1.IoTService/GetDevice",code="ok"} 1',
      'rpc_requests_total{method="iot.v1.IoTService/GetAllDevice",code="unimplemented"} 1',
      'rpc_duration_seconds_count{method="iot.v1.IoTService/GetDevice"} 1',
      'rpc_in_hand{method="iot.v1.IoTService/GetAllDevice"} 0',
    ]
  ) assert.ok(metrics.includes(line), line);
});

Deno.test("serveApi names the setting when its port is in use", async () => {
  await using api = await start({});
  await assert.rejects(
    start({}, { port: api.port }),
    (error: unknown) =>
      error instanceof ExitError &&
      error.message ===
        `Cannot listen on 127.0.0.1:${api.port}: the port is in use; choose another with backend.grpc_port`,
  );
});

Deno.test("closing the API ends streams with UNAVAILABLE and lets unary calls finish", async () => {
  const aborted: boolean[] = [];
  for (const http2 of [true, false]) {
    const reached = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    const api = await start({
      async getDevice(_request, { signal }) {
        reached.resolve();
        await finish.promise;
        aborted.push(signal.aborted);
        return anyDevice;
      },
    }, { graceMs: hourMs });
    using client = Deno.createHttpClient({ http1: !http2, http2 });
    const transport = createConnectTransport({
      baseUrl: api.url,
      fetch: (input, init) => fetch(input, { ...init, client }),
    });
    const watch = createClient(Health, transport).watch({})[Symbol.asyncIterator]();
    await watch.next();
    const unary = createClient(IoTService, transport).getDevice({});
    await reached.promise;
    const closed = api[Symbol.asyncDispose]();
    await assert.rejects(watch.next(), { code: Code.Unavailable });
    finish.resolve();
    assert.equal((await unary).device?.deviceId, "d");
    await closed;
  }
  assert.deepEqual(aborted, [false, false]);
});

Deno.test("closing the API ends unary calls that outlast the time of grace", async () => {
  const reached = Promise.withResolvers<AbortSignal>();
  const api = await start({
    async getDevice(_request, { signal }) {
      reached.resolve(signal);
      await once(signal, "abort");
      throw signal.reason;
    },
  }, { graceMs: 50 });
  using client = Deno.createHttpClient({ http1: false, http2: true });
  const transport = createConnectTransport({
    baseUrl: api.url,
    fetch: (input, init) => fetch(input, { ...init, client }),
  });
  const unary = assert.rejects(createClient(IoTService, transport).getDevice({}));
  const signal = await reached.promise;
  await api[Symbol.asyncDispose]();
  await unary;
  assert.ok(signal.aborted);
});

/** How a stream ends; unlike `once`, it takes an error for an end too. */
function statusOf(stream: ClientReadableStream<object>): Promise<status> {
  return new Promise((resolve) => stream.once("status", ({ code }) => resolve(code)));
}

/** Sends bytes, closes its side, and returns all that comes back. */
async function exchange(port: number, request: string): Promise<string> {
  using connection = await Deno.connect({ port });
  const answer = new Response(connection.readable).text();
  const writer = connection.writable.getWriter();
  await writer.write(new TextEncoder().encode(request));
  await connection.closeWrite();
  return await answer;
}

async function until(condition: () => boolean): Promise<void> {
  await waitUntil(condition, { what: String(condition) });
}
