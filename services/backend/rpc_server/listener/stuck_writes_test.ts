import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp } from "node:net";
import { createConnectRouter } from "@connectrpc/connect";
import { getLogger } from "@logtape/logtape";
import { Health, HealthCheckResponse_ServingStatus } from "#shared/gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "#shared/gen/grpc/reflection/v1/reflection_pb.ts";
import { Timeouts } from "#shared/lifecycle/timeouts.ts";
import { waitUntil } from "../../../../tests/support/wait_until.ts";
import { UnreadAnswers } from "../answers/unread_answers.ts";
import { apiLimits, headerLimits } from "../api_limits.ts";
import { CallLimits } from "../calls/call_limits.ts";
import { http1Connections } from "./http1_connections.ts";
import { http2Connections } from "./http2_connections.ts";
import { rpcListener } from "./rpc_listener.ts";
import { listenOnSharedPort } from "./shared_port.ts";

const { SERVING } = HealthCheckResponse_ServingStatus;
const watch = "/grpc.health.v1.Health/Watch";
const reflection = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const streams = 8;

/**
 * A server of endless streams that no signal ends, of small messages (Watch) and
 * of ones larger than a window (reflection). Counts what runs and what it gave.
 */
async function endlessServer() {
  const seen = { running: 0, given: 0 };
  async function* endless<Message>(message: Message): AsyncGenerator<Message> {
    seen.running++;
    try {
      for (;;) {
        seen.given++;
        // Other things get their turn too where the runtime parks no writes.
        await new Promise((resolve) => setImmediate(resolve));
        yield message;
      }
    } finally {
      seen.running--;
    }
  }
  const router = createConnectRouter()
    .service(Health, { watch: () => endless({ status: SERVING }) })
    .service(ServerReflection, {
      serverReflectionInfo: () => endless({ validHost: "x".repeat(200_000) }),
    });
  const refused = () => {};
  const unread = new UnreadAnswers({ ...apiLimits, now: () => performance.now() });
  const open = new AsyncDisposableStack();
  const times = {
    request: open.use(new Timeouts(60_000)),
    pause: open.use(new Timeouts(60_000)),
  };
  const limits = new CallLimits({ ...apiLimits, times, unread, refused });
  const listener = rpcListener(router, { limits, log: getLogger("test") });
  const { port } = open.use(
    await listenOnSharedPort({
      host: "127.0.0.1",
      port: 0,
      portKey: "port",
      http1: http1Connections(listener, 60_000),
      http2: http2Connections({ ...apiLimits, listener, headers: headerLimits, refused }),
      sniffMs: 10_000,
      graceMs: 0,
      ...apiLimits,
      refused,
    }),
  );
  return { seen, shared: { port, [Symbol.asyncDispose]: () => open.disposeAsync() } };
}

Deno.test("a call whose client resets it while its writes are parked comes to its end", async () => {
  const { seen, shared } = await endlessServer();
  await using _shared = shared;
  const session = connectHttp2(`http://127.0.0.1:${shared.port}`);
  const calls = Array.from({ length: streams }, () => {
    const headers = { "content-type": "application/grpc", te: "trailers" };
    const call = session.request({ ":method": "POST", ":path": reflection, ...headers });
    call.on("error", () => {});
    call.end(new Uint8Array(5));
    return call;
  });
  await until(() => seen.running === streams);
  await parked(seen);
  for (const call of calls) call.close(8);
  await until(() => seen.running === 0);
  session.close();
  await once(session, "close");
});

Deno.test("a call whose HTTP/1.1 client leaves while its writes are parked comes to its end", async () => {
  const { seen, shared } = await endlessServer();
  await using _shared = shared;
  const socket = connectTcp(shared.port, "127.0.0.1");
  socket.pause();
  const head = `POST ${watch} HTTP/1.1\r\nhost: a\r\ncontent-type: application/grpc-web+proto\r\n`;
  socket.write(`${head}content-length: 5\r\n\r\n\0\0\0\0\0`);
  await until(() => seen.running === 1);
  await parked(seen);
  socket.destroy();
  await until(() => seen.running === 0);
});

/** Waits until nothing more is given, or so much that the runtime parks no writes at all. */
async function parked(seen: { readonly given: number }): Promise<void> {
  let before = -1;
  let looks = 0;
  await until(() => {
    looks = seen.given === before ? looks + 1 : 0;
    before = seen.given;
    return looks === 10 || seen.given > 500;
  });
}

async function until(condition: () => boolean): Promise<void> {
  await waitUntil(condition, { what: String(condition) });
}
