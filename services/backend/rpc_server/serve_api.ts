import { Code, ConnectError, createConnectRouter } from "@connectrpc/connect";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import type { Logger } from "@logtape/logtape";
import type { Registry } from "prom-client";
import { Health } from "#shared/gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "#shared/gen/grpc/reflection/v1/reflection_pb.ts";
import { localUrl } from "#shared/http/http_server.ts";
import { Timeouts } from "#shared/lifecycle/timeouts.ts";
import { LargeAnswers } from "./answers/large_answers.ts";
import { UnreadAnswers } from "./answers/unread_answers.ts";
import { type ApiLimits, apiLimits, headerLimits, largeAnswers } from "./api_limits.ts";
import type { ApiRoutes } from "./api_routes.ts";
import { limitUnaryCalls } from "./calls/call_deadline.ts";
import { CallLimits, refuseWhenOverloaded } from "./calls/call_limits.ts";
import { endStreams } from "./calls/end_streams.ts";
import { type TranslateError, translateErrors } from "./calls/rpc_errors.ts";
import { rpcMetrics } from "./calls/rpc_metrics.ts";
import { http1Connections } from "./listener/http1_connections.ts";
import { http2Connections } from "./listener/http2_connections.ts";
import { rpcListener } from "./listener/rpc_listener.ts";
import { listenOnSharedPort } from "./listener/shared_port.ts";
import { countRefusals } from "./requests/refusals.ts";
import { unpackingInTurns } from "./requests/unpacking.ts";
import { healthService } from "./services/health_service.ts";
import { reflectionService } from "./services/reflection_service.ts";

export interface ApiOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** The setting that chose the port, such as `backend.grpc_port`. */
  readonly portKey: string;
  /** Adds the services to serve; health and reflection come with every server. */
  readonly routes: ApiRoutes;
  readonly health: {
    /** Whether the services can do their work now. */
    readonly ready: () => boolean | Promise<boolean>;
    /** How often it is asked, at most. A second, if not given. */
    readonly pollMs?: number;
  };
  /** Errors of the store that mean something to a client, such as a database that is away. */
  readonly translate?: TranslateError;
  readonly registry: Registry;
  readonly log: Logger;
  /** Longest that unary calls in hand may take to finish at the end. 5 s, if not given. */
  readonly graceMs?: number;
  /** In place of those of `apiLimits`. */
  readonly limits?: Partial<ApiLimits>;
}

export interface ApiServer extends AsyncDisposable {
  /** Where a client on this machine finds it, such as `http://localhost:50051`. */
  readonly url: string;
  readonly port: number;
}

const maxIdleMs = 60_000;
const readyMaxWaitMs = 2_000;
/** How often answers that nobody reads are looked for, in milliseconds. */
const watchMs = 1_000;

/**
 * Serves RPCs on one port, each over gRPC, gRPC-Web and Connect, on HTTP/2 and
 * (all but gRPC) on HTTP/1.1, with the standard health and reflection services.
 *
 * Closing it stops listening, ends streams with UNAVAILABLE, lets unary calls
 * in hand finish, and then ends what is left.
 *
 * @throws {ExitError} if the port cannot be listened on.
 */
export async function serveApi(options: ApiOptions): Promise<ApiServer> {
  const { host, portKey, health, log, registry } = options;
  const closing = new AbortController();
  const limits = { ...apiLimits, ...options.limits };
  const refused = countRefusals(registry);
  await using starting = new AsyncDisposableStack();
  const callTimes = starting.use(new Timeouts(limits.callMs));
  const times = {
    request: starting.use(new Timeouts(limits.requestMs)),
    pause: starting.use(new Timeouts(limits.pauseMs)),
  };
  const router = createConnectRouter({
    acceptCompression: unpackingInTurns([compressionGzip, compressionBrotli]),
    readMaxBytes: limits.maxMessageBytes,
    requestGate: refuseWhenOverloaded,
    interceptors: [
      rpcMetrics(registry),
      endStreams(closing.signal),
      limitUnaryCalls(callTimes),
      translateErrors(log, options.translate ?? (() => undefined)),
    ],
  });
  const unread = new UnreadAnswers({ ...limits, now: () => performance.now() });
  const large = new LargeAnswers({
    ...largeAnswers,
    room: () => unread.bytes < limits.maxUnreadBytes / 2,
  });
  options.routes(router, { large });
  const services = new Set([
    ...router.handlers.map(({ service }) => service),
    Health,
    ServerReflection,
  ]);
  router.service(
    Health,
    healthService({
      services: new Set([...services].map(({ typeName }) => typeName)),
      ready: health.ready,
      pollMs: health.pollMs ?? 1_000,
      maxWaitMs: readyMaxWaitMs,
    }),
  );
  router.service(ServerReflection, reflectionService([...services]));

  const calls = new CallLimits({ ...limits, times, unread, refused });
  const watching = setInterval(() => unread.endStalled(), watchMs);
  starting.defer(() => clearInterval(watching));
  const listener = rpcListener(router, { limits: calls, log });
  const { maxHeaderMs, maxConnections, stalledMs } = limits;
  const shared = starting.use(
    await listenOnSharedPort({
      host,
      port: options.port,
      portKey,
      http1: http1Connections(listener, maxIdleMs),
      http2: http2Connections({ listener, headers: headerLimits, maxHeaderMs, refused }),
      sniffMs: maxHeaderMs,
      graceMs: options.graceMs ?? 5_000,
      maxConnections,
      stalledMs,
      refused,
    }),
  );
  const running = starting.move();
  return {
    url: localUrl(host, shared.port),
    port: shared.port,
    async [Symbol.asyncDispose]() {
      closing.abort(new ConnectError("the server is stopping", Code.Unavailable));
      await running.disposeAsync();
    },
  };
}
