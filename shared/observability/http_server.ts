import { sleep } from "#shared/lifecycle/sleep.ts";
import { StartError } from "#shared/lifecycle/start_error.ts";

export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  /** The setting that chose the port, such as `backend.metrics_port`. */
  readonly portKey: string;
  readonly fetch: (request: Request) => Response | Promise<Response>;
}

export interface HttpServer extends AsyncDisposable {
  /** Where a browser on this machine finds it, such as `http://localhost:9090`. */
  readonly url: string;
}

/** Longest that closing waits for requests in hand, in milliseconds. */
const closeWithinMs = 3_000;

/**
 * Serves `fetch` over HTTP/1.1. Closing lets requests in hand finish, but waits
 * three seconds at most: a client that stops reading would hold it up for ever.
 *
 * @throws {StartError} if the port is taken.
 */
export function serveHttp({ host, port, portKey, fetch }: HttpServerOptions): HttpServer {
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve({ hostname: host, port, onListen: () => {} }, fetch);
  } catch (error) {
    throw listenError(error, host, port, portKey);
  }
  return {
    url: localUrl(host, server.addr.port),
    async [Symbol.asyncDispose]() {
      const closed = new AbortController();
      const shutdown = server.shutdown().finally(() => closed.abort());
      await Promise.race([shutdown, sleep(closeWithinMs, closed.signal)]);
    },
  };
}

/** Why `host:port` cannot be listened on, and the setting that mends it. */
export function listenError(
  error: unknown,
  host: string,
  port: number,
  portKey: string,
): StartError {
  const code = (error as { readonly code?: unknown } | null)?.code;
  const reason = error instanceof Deno.errors.AddrInUse || code === "EADDRINUSE"
    ? "the port is in use"
    : error instanceof Error
    ? error.message
    : String(error);
  const message = `Cannot listen on ${host}:${port}: ${reason}; choose another with ${portKey}`;
  return new StartError(message, { cause: error });
}

export function localUrl(host: string, port: number): string {
  const everywhere = host === "0.0.0.0" || host === "::" || host === "127.0.0.1";
  return `http://${everywhere ? "localhost" : host.includes(":") ? `[${host}]` : host}:${port}`;
}
