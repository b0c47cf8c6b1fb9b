import { createConnectRouter } from "@connectrpc/connect";
import {
  universalServerRequestFromFetch,
  universalServerResponseToFetch,
} from "@connectrpc/connect/protocol";
import type { FakeBackend } from "./fake_backend.ts";

/** A `FakeBackend` behind a real port, which a test can take away and bring back. */
export class BrowserBackend implements AsyncDisposable {
  readonly #handlers: ReturnType<typeof createConnectRouter>["handlers"];
  #server: Deno.HttpServer<Deno.NetAddr> | undefined;
  #port = 0;

  constructor(backend: FakeBackend) {
    this.#handlers = backend.routes(createConnectRouter()).handlers;
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${this.#port}`);
  }

  /** Listens, on the same port as before if there was one. */
  start(): void {
    const options = { hostname: "127.0.0.1", port: this.#port, onListen: () => {} };
    this.#server = Deno.serve(options, async (request) => {
      const path = new URL(request.url).pathname;
      const handler = this.#handlers.find(({ requestPath }) => requestPath === path);
      if (handler === undefined) return new Response(null, { status: 404 });
      const response = await handler(universalServerRequestFromFetch(request, {}));
      return universalServerResponseToFetch(response);
    });
    this.#port = this.#server.addr.port;
  }

  /** Answers no more: connections are refused. */
  async stop(): Promise<void> {
    await this.#server?.shutdown();
    this.#server = undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
