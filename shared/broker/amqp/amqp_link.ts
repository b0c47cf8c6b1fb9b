import type { Socket } from "node:net";
import type { Logger } from "@logtape/logtape";
import type { ChannelModel } from "amqplib";
import { Backoff, backoffBounds } from "../../lifecycle/backoff.ts";
import { ExitError } from "../../lifecycle/exit_error.ts";
import { sleep } from "../../lifecycle/sleep.ts";
import { within } from "../../lifecycle/within.ts";
import { brokerFault } from "./broker_fault.ts";
import { openConnection } from "./open_connection.ts";

export interface AmqpLinkOptions {
  readonly url: URL;
  /** What the connection is for; shown by the broker's management page. */
  readonly role: string;
  readonly log: Logger;
  /** Declares queues and opens channels, at every connect. */
  readonly setUp: (connection: ChannelModel, lost: (error: Error) => void) => Promise<void>;
  /** Longest that a handshake may take. 10 s, if not given. */
  readonly handshakeMs?: number;
}

/** Longest that closing waits for the broker's word. */
const closingMs = 1_000;

/**
 * One AMQP connection that is made again whenever it is lost, with backoff
 * 100 ms to 10 s, until disposed. The loop is our own since amqplib's recovery
 * misses a connection that is closed in the instant that its setup ends.
 */
export class AmqpLink implements AsyncDisposable {
  readonly #options: AmqpLinkOptions;
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;
  #up = false;

  constructor(options: AmqpLinkOptions) {
    this.#options = options;
  }

  /** True while connected and set up. */
  get up(): boolean {
    return this.#up;
  }

  /**
   * Resolves at the first connect.
   *
   * @throws {ExitError} when the first answer says that no retry can help.
   * @throws the signal's reason when it is aborted before.
   */
  async open(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => {
      this.#closing.abort();
      reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    this.#running = this.#keepConnected(resolve, reject);
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  async #keepConnected(started: () => void, failed: (error: ExitError) => void): Promise<void> {
    const { log, role, url } = this.#options;
    const backoff = new Backoff();
    let everUp = false;
    while (!this.#closing.signal.aborted) {
      let upAtMs = Infinity;
      try {
        await using connection = await this.#connect();
        upAtMs = performance.now();
        this.#up = true;
        log.info(everUp ? "Broker connection is back" : "Connected to the broker", { role });
        everUp = true;
        started();
        throw await connection.lost;
      } catch (error) {
        this.#up = false;
        if (this.#closing.signal.aborted) return;
        const fault = brokerFault(error, url);
        if (fault.permanent && !everUp) {
          return failed(new ExitError(fault.message, { cause: error }));
        }
        // One that is lost at once each time is no reason to try ten times a second.
        if (performance.now() - upAtMs > backoffBounds.longestMs) backoff.reset();
        const retryMs = backoff.next();
        const fields = { role, error: fault.message, retryMs };
        if (fault.permanent) log.error("Broker refuses the connection", fields);
        else log.warning("No connection to the broker", fields);
        await sleep(retryMs, this.#closing.signal);
      }
    }
  }

  async #connect(): Promise<{ readonly lost: Promise<Error> } & AsyncDisposable> {
    const { role, log, setUp } = this.#options;
    const { signal } = this.#closing;
    const connection = await this.#shakeHands();
    const { promise: lost, resolve: lose } = Promise.withResolvers<Error>();
    connection.on("error", lose);
    connection.on("close", (error) => lose(error ?? new Error("closed")));
    connection.on("blocked", (reason) => log.warning("Broker takes no messages", { role, reason }));
    connection.on("unblocked", () => log.info("Broker takes messages again", { role }));
    let closed: Promise<void> | undefined;
    const close = () => {
      signal.removeEventListener("abort", close);
      return closed ??= closeQuietly(connection);
    };
    signal.addEventListener("abort", close);
    try {
      signal.throwIfAborted();
      const failure = await Promise.race([setUp(connection, lose), lost]);
      if (failure !== undefined) throw failure;
    } catch (error) {
      await close();
      throw error;
    }
    return { lost, [Symbol.asyncDispose]: close };
  }

  /** Connects; a handshake under way when the link is disposed is cut off. */
  async #shakeHands(): Promise<ChannelModel> {
    const { url, role, handshakeMs } = this.#options;
    const { signal } = this.#closing;
    const handshake = new AbortController();
    const cutOff = () => handshake.abort();
    signal.addEventListener("abort", cutOff);
    try {
      return await openConnection(url, role, {
        signal: handshake.signal,
        ...(handshakeMs === undefined ? {} : { handshakeMs }),
      });
    } finally {
      signal.removeEventListener("abort", cutOff);
    }
  }

  /** Closes the connection; what was delivered and not acked goes back to its queue. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }
}

/** Closes with the broker's word for it, or without when that does not come. */
async function closeQuietly(connection: ChannelModel): Promise<void> {
  await within(closingMs, connection.close());
  // Not in the types: the socket, which a peer that never answers would keep open. The error
  // makes the connection end its timers and report its end.
  const { stream } = connection.connection as { readonly stream?: Pick<Socket, "destroy"> };
  stream?.destroy(new Error("closed"));
}
