import type { DescMethod } from "@bufbuild/protobuf";
import { type Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/**
 * Counts and times RPCs. Its labels are closed: methods that are served, and
 * the codes of gRPC. A call that is refused before it reaches its method
 * (unreadable, too large) is not among them.
 */
export function rpcMetrics(registry: Registry): Interceptor {
  const requests = new Counter({
    name: "rpc_requests_total",
    help: "RPCs that ended, by method and status code.",
    labelNames: ["method", "code"],
    registers: [registry],
  });
  const duration = new Histogram({
    name: "rpc_duration_seconds",
    help: "How long unary RPCs took. (Streams last as long as clients like.)",
    labelNames: ["method"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  const inHand = new Gauge({
    name: "rpc_in_hand",
    help: "RPCs that have started and not ended.",
    labelNames: ["method"],
    registers: [registry],
  });

  const metricsOf = ({ parent, name }: DescMethod) => {
    const method = `${parent.typeName}/${name}`;
    return {
      inHand: inHand.labels({ method }),
      duration: duration.labels({ method }),
      answered: requests.labels({ method, code: "ok" }),
      failed: (code: Code) => requests.inc({ method, code: codeToString(code) }),
    };
  };
  /** Kept, since labels take longer to find than a value to count. */
  const methods = new Map<DescMethod, ReturnType<typeof metricsOf>>();

  return (next) => async (request) => {
    let method = methods.get(request.method);
    if (method === undefined) methods.set(request.method, method = metricsOf(request.method));
    const { inHand, duration, answered, failed } = method;
    const started = performance.now();
    inHand.inc();
    const end = (error?: unknown) => {
      inHand.dec();
      if (error === undefined) answered.inc();
      else failed(ConnectError.from(error).code);
      if (!request.stream) duration.observe((performance.now() - started) / 1_000);
    };
    try {
      const response = await next(request);
      if (response.stream) return { ...response, message: whenEnded(response.message, end) };
      end();
      return response;
    } catch (error) {
      end(error);
      throw error;
    }
  };
}

/** Calls `end` once when the stream ends: with its error, if it had one. */
async function* whenEnded<Message>(
  messages: AsyncIterable<Message>,
  end: (error?: unknown) => void,
): AsyncGenerator<Message> {
  let failure: unknown;
  try {
    yield* messages;
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    end(failure);
  }
}
