import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** The two ends of a connection that goes through. */
interface Link {
  readonly near: Socket;
  readonly far: Socket;
  /** Passes nothing on, for good. */
  frozen: boolean;
}

/**
 * A TCP proxy on 127.0.0.1 that does to connections what networks do. What it
 * is told holds for open connections and for new ones, unless said otherwise.
 */
export class TcpProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #links = new Set<Link>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #target: number;
  #port = 0;
  #stalled = false;
  #bytesPerSecond = Infinity;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((near) => this.#accept(near));
  }

  /** @param target the port of 127.0.0.1 that connections go on to. */
  static async open(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await proxy.#listen();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  /** Connections that go through now. */
  get links(): number {
    return this.#links.size;
  }

  /** Breaks every open connection, in the middle of whatever it carries. */
  cut(): void {
    for (const { near, far } of this.#links) {
      near.destroy();
      far.destroy();
    }
  }

  /** Passes nothing on, and loses nothing. */
  stall(): void {
    this.#stalled = true;
    this.#applyAll();
  }

  /** Passes nothing more on over the open connections, for good; new ones are well. */
  freezeOpen(): void {
    for (const link of this.#links) link.frozen = true;
    this.#applyAll();
  }

  /** Passes on so many bytes a second, over each connection and direction. */
  throttle(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Refuses new connections. */
  async refuse(): Promise<void> {
    // Its end waits for the open connections; its port is free at once.
    this.#server.close();
    await Promise.resolve();
  }

  /** Ends stalling, throttling and refusing. */
  async heal(): Promise<void> {
    this.#stalled = false;
    this.#bytesPerSecond = Infinity;
    this.#applyAll();
    if (!this.#server.listening) await this.#listen();
  }

  async #listen(): Promise<void> {
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    // A TCP server's address, never a path.
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  #accept(near: Socket): void {
    const far = connect(this.#target, "127.0.0.1");
    const link = { near, far, frozen: false };
    this.#links.add(link);
    const end = () => {
      this.#links.delete(link);
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      socket.on("error", end);
      socket.on("close", end);
    }
    this.#pump(near, far, link);
    this.#pump(far, near, link);
    this.#apply(link);
  }

  #pump(from: Socket, to: Socket, link: Link): void {
    from.on("data", (bytes: Uint8Array) => {
      const drained = to.write(bytes);
      const resume = () => {
        if (!this.#stalled && !link.frozen) from.resume();
      };
      if (this.#bytesPerSecond < Infinity) {
        from.pause();
        const timer = setTimeout(() => {
          this.#timers.delete(timer);
          resume();
        }, bytes.length / this.#bytesPerSecond * 1_000);
        this.#timers.add(timer);
      } else if (!drained) {
        from.pause();
        to.once("drain", resume);
      }
    });
  }

  #applyAll(): void {
    for (const link of this.#links) this.#apply(link);
  }

  #apply(link: Link): void {
    for (const socket of [link.near, link.far]) {
      if (this.#stalled || link.frozen) socket.pause();
      else socket.resume();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    const closed = this.#server.listening ? once(this.#server, "close") : undefined;
    this.#server.close();
    this.cut();
    await closed;
  }
}
