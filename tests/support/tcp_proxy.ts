import { connect as connectTo, createServer, type Server, type Socket } from "node:net";

/** What the proxy does to bytes and to those who connect. */
export type ProxyMode = "pass" | "stall" | "refuse";

/** The two ends of a connection that goes through. */
interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** No byte goes on any more, whatever the mode. */
  frozen: boolean;
}

/** Stands between a client and a server on this machine, to break the connection between them. */
export class TcpProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: URL;
  readonly #pairs = new Set<Pair>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  /** What goes on once the stall ends. */
  readonly #held: (() => void)[] = [];
  #mode: ProxyMode = "pass";
  #bytesPerSecond = Infinity;
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
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server.destroy();
    }
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

  /** Passes nothing more on over the connections that are open; new ones are well. */
  freezeOpen(): void {
    for (const pair of this.#pairs) pair.frozen = true;
  }

  /** Passes on so many bytes a second, over each connection and direction; Infinity ends it. */
  throttle(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
  }

  #accept(client: Socket): void {
    this.accepted++;
    const { hostname, port } = this.#target;
    const server = connectTo(Number(port || 5672), hostname);
    const pair: Pair = { client, server, frozen: false };
    this.#pairs.add(pair);
    for (const [socket, other] of [[client, server], [server, client]] as const) {
      socket.on("error", () => {});
      socket.on("data", (bytes: Uint8Array) => this.#forward(bytes, socket, other, pair));
      socket.on("close", () => {
        other.destroy();
        this.#pairs.delete(pair);
      });
    }
  }

  /** Goes on reading even where nothing passes, so that the end of a connection is seen. */
  #forward(bytes: Uint8Array, from: Socket, to: Socket, pair: Pair): void {
    if (pair.frozen) return;
    if (this.#mode === "stall") {
      this.#held.push(() => to.write(bytes));
      return;
    }
    to.write(bytes);
    if (this.#bytesPerSecond === Infinity) return;
    from.pause();
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      from.resume();
    }, bytes.length / this.#bytesPerSecond * 1_000);
    this.#timers.add(timer);
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
    for (const timer of this.#timers) clearTimeout(timer);
    await closed;
  }
}
