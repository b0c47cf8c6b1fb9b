import type { UniversalServerRequest } from "@connectrpc/connect/protocol";

export type RequestHead = Pick<UniversalServerRequest, "httpVersion" | "method" | "url" | "header">;

/** What is read of a request, of node:http or node:http2. */
export interface NodeRequestHead {
  /** What an HTTP/2 client says in place of `host`. */
  readonly authority?: string;
  readonly httpVersion: string;
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers:
    & Readonly<Record<string, string | string[] | undefined>>
    & { readonly host?: string | undefined };
}

/** Reads the heads of requests for Connect. */
export class RequestHeads {
  /** Of the request before, since most name the same host: a URL costs more than all else here. */
  #authority: string | undefined;
  #origin = "";
  readonly #maxBytes: number;

  /** @param maxBytes Of a body; of a longer one, Connect refuses the head. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @throws {TypeError} for one without a host, or with one that makes no URL. */
  read(request: NodeRequestHead): RequestHead {
    const authority = request.authority ?? request.headers.host;
    if (authority === undefined) throw new TypeError("Cannot read a request: it names no host");
    if (authority !== this.#authority) {
      this.#origin = new URL(`http://${authority}`).origin;
      this.#authority = authority;
    }
    const header = new Headers();
    for (const name in request.headers) {
      const value = request.headers[name];
      // Those of HTTP/2 itself are none of a call's.
      if (value === undefined || name.startsWith(":")) continue;
      // Connect would reserve so much memory before anything of it has come.
      if (name === "content-length" && Number(value) <= this.#maxBytes) continue;
      if (typeof value === "string") header.append(name, value);
      else for (const one of value) header.append(name, one);
    }
    const { httpVersion, method = "", url = "/" } = request;
    return { httpVersion, method, url: this.#origin + url, header };
  }
}
