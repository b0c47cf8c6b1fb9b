import assert from "node:assert/strict";
import { once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
} from "node:http2";
import { status } from "@grpc/grpc-js";
import { GrpcJsClient, iotService } from "../../../tests/support/grpc_js_client.ts";
import {
  concat,
  endHeaders,
  frame,
  frameType,
  preface,
  requestFields,
  send,
  uint32,
} from "../../../tests/support/http2_frames.ts";
import { ended, inTime, limitedApi } from "../../../tests/support/limited_api.ts";
import { waitUntil } from "../../../tests/support/wait_until.ts";

const path = "/iot.v1.IoTService/GetDevice";
const encoder = new TextEncoder();

/** A call whose request has begun, and never ends. */
function unfinished(
  session: ClientHttp2Session,
  { asked = path, contentType = "application/grpc", begun = new Uint8Array(3) }: {
    readonly asked?: string;
    readonly contentType?: string;
    readonly begun?: Uint8Array;
  } = {},
): ClientHttp2Stream {
  const call = session.request({
    ":method": "POST",
    ":path": asked,
    "content-type": contentType,
    te: "trailers",
  });
  call.on("error", () => {});
  call.write(begun);
  call.resume();
  return call;
}

Deno.test("the API answers and closes where an HTTP/1.1 request never ends", async () => {
  await using api = await limitedApi({ getDevice: () => ({}) }, { requestMs: 50 });
  using connection = await Deno.connect({ port: api.port });
  const answer = new Response(connection.readable).text();
  const writer = connection.writable.getWriter();
  await writer.write(encoder.encode(
    `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n` +
      "content-length: 100\r\n\r\n{",
  ));
  assert.match(await inTime(answer), /^HTTP\/1\.1 504 [^]*"code":"deadline_exceeded"/);
  assert.equal(await api.refused("request_time"), 1);
});

Deno.test("the API answers and closes the stream where an HTTP/2 request never ends", async () => {
  await using api = await limitedApi({ getDevice: () => ({}) }, { requestMs: 50 });
  const session = connectHttp2(`http://127.0.0.1:${api.port}`);
  const call = unfinished(session);
  const [trailers] = await inTime(once(call, "trailers"));
  assert.equal(trailers["grpc-status"], String(status.DEADLINE_EXCEEDED));
  if (!call.closed) await inTime(once(call, "close"));
  session.close();
  await once(session, "close");
});

Deno.test("the API closes the stream, and has room again, where it answers an HTTP/2 request that never ends", async () => {
  await using api = await limitedApi({ getDevice: () => ({}) }, { maxCalls: 1 });
  const session = connectHttp2(`http://127.0.0.1:${api.port}`);
  const begun = concat(new Uint8Array(1), uint32(2 ** 30));
  for (
    const asked of [{ asked: "/none", begun }, { contentType: "text/html", begun }, { begun }]
  ) {
    const call = unfinished(session, asked);
    await inTime(once(call, "close"));
    assert.equal(call.rstCode, 0);
  }
  using grpc = new GrpcJsClient(api.port, iotService());
  await grpc.unary("GetDevice", {});
  session.close();
  await once(session, "close");
});

Deno.test("the API lets calls whose requests do not come give way to others", async () => {
  await using api = await limitedApi({ getDevice: () => ({}) }, { maxCalls: 1 });
  const session = connectHttp2(`http://127.0.0.1:${api.port}`);
  const call = unfinished(session);
  // So that it has come before the other call does.
  await new Promise((answered) => session.ping(answered));
  using grpc = new GrpcJsClient(api.port, iotService());
  const [[trailers]] = await inTime(Promise.all([
    once(call, "trailers"),
    grpc.unary("GetDevice", {}),
  ]));
  assert.equal(trailers["grpc-status"], String(status.RESOURCE_EXHAUSTED));
  assert.equal(await api.refused("calls"), 1);
  session.close();
  await once(session, "close");
});

Deno.test("the API lets connections give way whose requests never end", async () => {
  await using api = await limitedApi({ getDevice: () => ({}) }, { maxConnections: 1 });
  using http2 = await Deno.connect({ port: api.port });
  await send(
    http2,
    preface,
    frame(frameType.settings, 0, 0),
    frame(frameType.headers, endHeaders, 1, requestFields(path)),
  );
  // The server's settings, and its word that it has these, and so the call that came with them.
  const buffer = new Uint8Array(30);
  for (let left = buffer.length; left > 0;) {
    left -= await http2.read(buffer.subarray(0, left)) ?? left;
  }
  using http1 = await Deno.connect({ port: api.port });
  await ended(http2);
  const head = `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n`;
  await send(http1, encoder.encode(`${head}expect: 100-continue\r\ncontent-length: 9\r\n\r\n{`));
  // Told to go on: the request is in hand.
  await http1.read(new Uint8Array(1));
  using grpc = new GrpcJsClient(api.port, iotService());
  await grpc.unary("GetDevice", {});
  await ended(http1);
  assert.equal(await api.refused("idle_connection"), 2);
});

const megabyte = 1024 * 1024;
/** Of a message that its length promises, and of which nothing else comes. */
const promised = concat(new Uint8Array(1), uint32(3 * megabyte));
const maxMessageBytes = 4 * megabyte;

Deno.test("the API takes no memory for what a request only promises", async () => {
  await using api = await limitedApi({ getDevice: () => ({}) }, { maxMessageBytes });
  const before = Deno.memoryUsage().external;
  const session = connectHttp2(`http://127.0.0.1:${api.port}`);
  for (let at = 0; at < 50; at++) unfinished(session, { begun: promised });
  await new Promise((answered) => session.ping(answered));
  const head = encoder.encode(
    `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n` +
      `expect: 100-continue\r\ncontent-length: ${3 * megabyte}\r\n\r\n{`,
  );
  using http1 = new DisposableStack();
  for (let at = 0; at < 50; at++) {
    const connection = http1.use(await Deno.connect({ port: api.port }));
    await send(connection, head);
    await connection.read(new Uint8Array(1));
  }
  const { external } = Deno.memoryUsage();
  assert.ok(external - before < 100 * megabyte, `${external - before} bytes for 100 requests`);
  session.destroy();
  await once(session, "close");
});

Deno.test("the API lets requests that do not come whole give way when they take too much", async () => {
  const limits = { maxMessageBytes, maxRequestBytes: megabyte };
  await using api = await limitedApi({ getDevice: () => ({}) }, limits);
  const session = connectHttp2(`http://127.0.0.1:${api.port}`);
  const begun = concat(promised, new Uint8Array(megabyte / 2));
  const calls: ClientHttp2Stream[] = [];
  for (const contentType of ["application/grpc", "application/proto"]) {
    calls.push(unfinished(session, { begun, contentType }));
    await new Promise((answered) => session.ping(answered));
  }
  const [older] = await inTime(once(calls[0]!, "trailers"));
  assert.equal(older["grpc-status"], String(status.RESOURCE_EXHAUSTED));
  using grpc = new GrpcJsClient(api.port, iotService());
  for (let at = 0; at < 30; at++) {
    // Each is whole, and none of it is held once it is answered.
    const refused = grpc.unary("GetDevice", { deviceId: "a".repeat(100_000) });
    assert.deepEqual(await inTime(refused), { device: null });
  }
  assert.equal(await api.refused("request_bytes"), 1);
  assert.ok(!calls[1]!.closed);
  session.destroy();
  await once(session, "close");
});

Deno.test("the API says that a request ends within a message", async () => {
  await using api = await limitedApi({ getDevice: () => ({}) }, { maxMessageBytes });
  const session = connectHttp2(`http://127.0.0.1:${api.port}`);
  const call = unfinished(session, { begun: promised });
  call.end();
  const [trailers] = await inTime(once(call, "trailers"));
  assert.equal(trailers["grpc-status"], String(status.INVALID_ARGUMENT));
  session.close();
  await once(session, "close");
});

Deno.test("the API has room again when a client goes that has sent several requests at once", async () => {
  let asked = 0;
  let left = 0;
  await using api = await limitedApi({
    getDevice(_request, { signal }) {
      asked++;
      signal.addEventListener("abort", () => left++);
      return new Promise(() => {});
    },
  }, { maxCalls: 3 });
  const request = `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n` +
    "content-length: 2\r\n\r\n{}";
  for (let turn = 1; turn <= 2; turn++) {
    const connection = await Deno.connect({ port: api.port });
    await send(connection, encoder.encode(request.repeat(3)));
    await waitUntil(() => asked === 3 * turn, { what: "the requests" });
    connection.close();
    await waitUntil(() => left === 3 * turn, { what: "the end of the calls" });
  }
  assert.equal(await api.refused("calls"), 0);
});

/** An envelope with flags, and so many bytes. */
const envelope = (flags: number, length: number) =>
  concat(new Uint8Array([flags]), uint32(length), new Uint8Array(length));

Deno.test("the API ends a request that goes on behind its one message", async () => {
  await using api = await limitedApi({ getDevice: () => ({}) }, { maxRequestBytes: megabyte });
  const session = connectHttp2(`http://127.0.0.1:${api.port}`);
  const endOfStream = 2;
  const call = unfinished(session, {
    asked: "/grpc.health.v1.Health/Watch",
    contentType: "application/connect+proto",
    begun: concat(
      envelope(0, 0),
      ...Array.from({ length: 3 }, () => envelope(endOfStream, 60_000)),
    ),
  });
  await inTime(once(call, "close"));
  assert.equal(await api.refused("request_bytes"), 1);
  using grpc = new GrpcJsClient(api.port, iotService());
  await grpc.unary("GetDevice", {});
  session.destroy();
  await once(session, "close");
});

Deno.test("the API lets only those requests give way of which it holds something", async () => {
  const limits = { maxMessageBytes, maxRequestBytes: megabyte };
  await using api = await limitedApi({ getDevice: () => ({}) }, limits);
  const session = connectHttp2(`http://127.0.0.1:${api.port}`);
  const idle = unfinished(session, { begun: new Uint8Array() });
  await new Promise((answered) => session.ping(answered));
  const large = concat(promised, new Uint8Array(megabyte));
  await inTime(once(unfinished(session, { begun: large }), "trailers"));
  assert.equal(await api.refused("request_bytes"), 1);
  assert.ok(!idle.closed);
  session.destroy();
  await once(session, "close");
});
