import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { IoTService } from "#shared/gen/iot/v1/iot_service_pb.ts";
import { retryUnavailable } from "./retry_unavailable.ts";

export type IotClient = Client<typeof IoTService>;

export interface BackendClient extends Disposable {
  readonly iot: IotClient;
}

/** Longest that a query may take, its retries included. */
const deadlineMs = 5_000;

/**
 * Queries to the backend at `url`, over connections of its own. Connects when
 * first used, and again whenever that is needed. Every call either answers or
 * fails with a `ConnectError` within five seconds; a backend that cannot be
 * reached is UNAVAILABLE, after a few tries unless `tries` is `"one"`.
 */
export function connectBackend(url: URL, tries: "few" | "one" = "few"): BackendClient {
  const http = Deno.createHttpClient({ poolMaxIdlePerHost: 16 });
  const transport = createConnectTransport({
    baseUrl: url.href,
    useBinaryFormat: true,
    defaultTimeoutMs: deadlineMs,
    interceptors: tries === "few" ? [retryUnavailable()] : [],
    fetch: (input, init) => fetchWhole(input, { ...init, client: http }),
  });
  return {
    iot: createClient(IoTService, transport),
    [Symbol.dispose]: () => http.close(),
  };
}

/**
 * Fetches a response with its body, so that a connection that breaks half-way
 * fails here as well. Connect would call these failures UNKNOWN; they are what
 * a retry can mend.
 */
async function fetchWhole(
  input: RequestInfo | URL,
  init: RequestInit & { readonly client: Deno.HttpClient },
): Promise<Response> {
  try {
    const response = await fetch(input, init);
    const body = await response.arrayBuffer();
    return new Response(body, { status: response.status, headers: response.headers });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    const message = "Cannot reach the backend";
    throw new ConnectError(message, Code.Unavailable, undefined, undefined, error);
  }
}
