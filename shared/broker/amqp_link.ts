import { type ChannelModel, connect } from "amqplib";
import type { Logger } from "@logtape/logtape";
import { backoffMs } from "#shared/lifecycle/backoff.ts";
import { sleep } from "#shared/lifecycle/sleep.ts";
import { StartError } from "#shared/lifecycle/start_error.ts";
import { within } from "#shared/lifecycle/within.ts";
import { brokerFault } from "./broker_fault.ts";

export interface AmqpLinkOptions {
  readonly url: URL;
  /** What the connection is for; shown by the broker's management page. */
  readonly role: string;
  readonly log: Logger;
  /** Declares queues and opens channels, at every connect. */
  readonly setUp: (connection: ChannelModel, lost: (error: Error) => void) => Promise<void>;
}

/** Longest that a handshake may take, and that closing waits for the broker's word. */
const handshakeMs = 10_000;
const closingMs = 1_500;
/** A connection on which nothing is heard for twice as long is taken for dead. */
const heartbeatSeconds = 10;

/**
 * One AMQP connection that is made again whenever it is lost, with backoff
 * 100 ms to 10 s, until disposed. The loop is our own since amqplib's recovery
 * misses a connection that is closed in the instant that its setup ends.
 */
export class AmqpLink implements AsyncDisposable {
  readonly #options: AmqpLinkOptions;
  readonly #closing = new AbortController();
  #connection: ChannelModel | undefined;
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
   * @throws {StartError} when the first answer says that no retry can help.
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

  async #keepConnected(started: () => void, failed: (error: StartError) => void): Promise<void> {
    const { log, role } = this.#options;
    let everUp = false;
    for (let attempt = 1; !this.#closing.signal.aborted; attempt++) {
      try {
        await using connection = await this.#connect();
        attempt = 0;
        this.#up = true;
        log.info(everUp ? "Broker connection is back" : "Connected to the broker", { role });
        everUp = true;
        started();
        throw await connection.lost;
      } catch (error) {
        this.#up = false;
        if (this.#closing.signal.aborted) return;
        const fault = brokerFault(error, this.#options.url);
        if (fault.permanent && !everUp) {
          return failed(new StartError(fault.message, { cause: error }));
        }
        const retryMs = Math.round(backoffMs(attempt + 1));
        const fields = { role, error: fault.message, retryMs };
        if (fault.permanent) log.error("Broker refuses the connection", fields);
        else log.warning("No connection to the broker", fields);
        await sleep(retryMs, this.#closing.signal);
      }
    }
  }

  async #connect(): Promise<{ readonly lost: Promise<Error> } & AsyncDisposable> {
    const { url, role, setUp } = this.#options;
    const target = new URL(url);
    if (!target.searchParams.has("heartbeat")) {
      target.searchParams.set("heartbeat", String(heartbeatSeconds));
    }
    const connection = await connect(target.href, {
      timeout: handshakeMs,
      noDelay: true,
      clientProperties: { connection_name: role },
    });
    const { promise: lost, resolve: lose } = Promise.withResolvers<Error>();
    connection.on("error", lose);
    connection.on("close", (error) => lose(error ?? new Error("closed")));
    const { log } = this.#options;
    connection.on("blocked", (reason) => log.warning("Broker takes no messages", { role, reason }));
    connection.on("unblocked", () => log.info("Broker takes messages again", { role }));
    this.#connection = connection;
    try {
      const failure = await Promise.race([setUp(connection, lose), lost]);
      if (failure !== undefined) throw failure;
    } catch (error) {
      await closeQuietly(connection);
      throw error;
    }
    return { lost, [Symbol.asyncDispose]: () => closeQuietly(connection) };
  }

  /** Closes the connection; what was delivered and not acked goes back to its queue. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return await this.#running;
    this.#closing.abort();
    if (this.#connection !== undefined) await closeQuietly(this.#connection);
    await this.#running;
  }
}

/** Closes with the broker's word for it, or without when that does not come. */
async function closeQuietly(connection: ChannelModel): Promise<void> {
  await within(closingMs, connection.close());
  // Not in the types: the socket, which a peer that never answers would keep open.
  (connection.connection as { readonly stream?: { destroy(): void } }).stream?.destroy();
}
