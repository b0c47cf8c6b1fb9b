import type { Logger } from "@logtape/logtape";
import type { ChannelModel } from "amqplib";
import { brokerFault } from "#shared/broker/amqp/broker_fault.ts";
import { openConnection } from "#shared/broker/amqp/open_connection.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { within } from "#shared/lifecycle/within.ts";

/** A connection for a command: when it is lost, so is the command. */
export interface SingleConnection extends AsyncDisposable {
  readonly connection: Pick<ChannelModel, "createChannel" | "createConfirmChannel">;
  /** Rejects, in words for a person, once the connection is lost; never resolves. */
  readonly lost: Promise<never>;
}

/** Longest that closing waits for the broker's word. */
const closingMs = 1_500;

/**
 * Connects, and does not try again.
 *
 * @param role what the connection is for; shown by the broker's management page
 * @throws {ExitError} when the broker cannot be reached, or refuses.
 */
export async function connectOnce(
  url: URL,
  role: string,
  log: Logger,
): Promise<SingleConnection> {
  const failure = (error: unknown) =>
    new ExitError(brokerFault(error, url).message, { cause: error });
  const connection = await openConnection(url, role).catch((error: unknown) => {
    throw failure(error);
  });
  const { promise: lost, reject } = Promise.withResolvers<never>();
  lost.catch(() => {});
  connection.on("error", (error) => reject(failure(error)));
  connection.on("close", (error) => reject(failure(error ?? new Error("closed"))));
  connection.on("blocked", (reason) => log.warning("Broker takes no messages", { role, reason }));
  return {
    connection,
    lost,
    async [Symbol.asyncDispose]() {
      // A connection that is gone throws instead.
      await within(closingMs, (async () => await connection.close())());
      // Not in the types: the socket, which a peer that never answers would keep open.
      (connection.connection as { readonly stream?: { destroy(): void } }).stream?.destroy();
    },
  };
}
