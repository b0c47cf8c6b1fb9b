import { type ChannelModel, connect } from "amqplib";
import { handshakeRefusal } from "./handshake_refusal.ts";
import { passOverUnreadableHeaders } from "./unreadable_headers.ts";

const longestHandshakeMs = 10_000;
/** A connection on which nothing is heard for twice as long is taken for dead. */
const heartbeatSeconds = 10;

/**
 * Connects to a broker once; an error has the broker's own words, where it gave any.
 *
 * @param role what the connection is for; shown by the broker's management page
 * @param options.signal cuts a handshake off
 * @param options.handshakeMs longest that it may take; 10 s unless given
 */
export async function openConnection(
  url: URL,
  role: string,
  { signal, handshakeMs = longestHandshakeMs }: {
    readonly signal?: AbortSignal;
    readonly handshakeMs?: number;
  } = {},
): Promise<ChannelModel> {
  const target = new URL(url);
  if (!target.searchParams.has("heartbeat")) {
    target.searchParams.set("heartbeat", String(heartbeatSeconds));
  }
  const options = {
    timeout: handshakeMs,
    noDelay: true,
    clientProperties: { connection_name: role },
    // Not in the types: options are the socket's too.
    ...(signal === undefined ? {} : { signal }),
  };
  try {
    const connection = await connect(target.href, options);
    passOverUnreadableHeaders(connection);
    return connection;
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes("got <ConnectionClose")) throw error;
    const deadline = AbortSignal.timeout(handshakeMs);
    const refusal = await handshakeRefusal(
      url,
      signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
    );
    const why = refusal ?? "it would not say why";
    throw new Error(`The broker refused the connection: ${why}`, { cause: error });
  }
}
