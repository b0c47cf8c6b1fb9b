import { connect as connectTo, createServer, type Server, type Socket } from "node:net";

/** What the proxy does to bytes and to those who connect. */
export type ProxyMode = "pass" | "stall" | "refuse";

/** Stands between a client and a server on this machine, to break the connection between them. */
export class TcpProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: URL;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  /** What goes on once the stall ends. */
  readonly #held: (() => void)[] = [];
  #mode: ProxyMode = "pass";
  #port = 0;
  /** Connections that were taken, ever. */
  accepted = 0;

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  static async open(target: URL): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await proxy.#listen();
    return proxy;
  }

  /** The target's URL with the proxy in place of its host and port. */
  get url(): URL {
    const url = new URL(this.#target);
    url.hostname = "127.0.0.1";
    url.port = String(this.#port);
    return url;
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** Breaks every connection that is open; new ones are taken. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  /**
   * `pass` forwards; `stall` keeps connections, and takes new ones, on which no
   * byte goes either way; `refuse` breaks those that are open and listens no more.
   */
  async become(mode: ProxyMode): Promise<void> {
    const before = this.#mode;
    this.#mode = mode;
    if (mode === "refuse" && before !== "refuse") {
      const closed = new Promise((resolve) => this.#server.close(resolve));
      this.cut();
      await closed;
    } else if (mode !== "refuse" && before === "refuse") await this.#listen();
    if (mode !== "stall") { for (const goOn of this.#held.splice(0)) goOn(); }
  }

  #accept(client: Socket): void {
    this.accepted++;
    const { hostname, port } = this.#target;
    const server = connectTo(Number(port || 5672), hostname);
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    for (const [socket, other] of [[client, server], [server, client]] as const) {
      socket.on("error", () => {});
      socket.on("data", (bytes) => {
        if (this.#mode === "stall") this.#held.push(() => other.write(bytes));
        else other.write(bytes);
      });
      socket.on("close", () => {
        other.destroy();
        this.#pairs.delete(pair);
      });
    }
  }

  async #listen(): Promise<void> {
    await new Promise<void>((resolve) =>
      this.#server.listen(this.#port, "127.0.0.1", () => resolve())
    );
    const address = this.#server.address();
    if (address !== null && typeof address === "object") this.#port = address.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.#mode === "refuse"
      ? undefined
      : new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }
}
