import { ExitError } from "../lifecycle/exit_error.ts";
import { within } from "../lifecycle/within.ts";

export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  /** The setting that chose the port, such as `backend.metrics_port`. */
  readonly portKey: string;
  readonly fetch: (
    request: Request,
    connection: Deno.ServeHandlerInfo<Deno.NetAddr>,
  ) => Response | Promise<Response>;
}

export interface HttpServer extends AsyncDisposable {
  /** Where a browser on this machine finds it, such as `http://localhost:9090`. */
  readonly url: string;
}

/** Longest that requests in hand may take once the server closes, in milliseconds. */
const closingMs = 2_000;

/**
 * Serves `fetch` over HTTP/1.1. Closing lets requests in hand finish, for 2
 * seconds at most.
 *
 * @throws {ExitError} if the port is taken.
 */
export function serveHttp({ host, port, portKey, fetch }: HttpServerOptions): HttpServer {
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve({ hostname: host, port, onListen: () => {} }, fetch);
  } catch (error) {
    throw listenError(error, host, port, portKey);
  }
  let closed: Promise<void> | undefined;
  return {
    url: localUrl(host, server.addr.port),
    async [Symbol.asyncDispose]() {
      // What lasts longer ends with the process.
      await within(closingMs, closed ??= server.shutdown());
    },
  };
}

/** Why `host:port` cannot be listened on, and the setting that mends it. */
export function listenError(
  error: unknown,
  host: string,
  port: number,
  portKey: string,
): ExitError {
  const code = (error as { readonly code?: unknown } | null)?.code;
  const inUse = error instanceof Deno.errors.AddrInUse || code === "EADDRINUSE";
  const why = inUse
    ? `the port is in use; choose another with ${portKey}`
    : `${error instanceof Error ? error.message : error}; see ${portKey} and the host beside it`;
  return new ExitError(`Cannot listen on ${host}:${port}: ${why}`, { cause: error });
}

export function localUrl(host: string, port: number): string {
  const everywhere = host === "0.0.0.0" || host === "::" || host === "127.0.0.1";
  return `http://${everywhere ? "localhost" : host.includes(":") ? `[${host}]` : host}:${port}`;
}
