import { connect } from "node:net";

/** Where a server listens, and which of its sessions is meant. */
export interface SessionAddress {
  /** A name, or a folder of the server's socket, which starts with a slash. */
  readonly host: string;
  readonly port: number;
  readonly processId: number;
  readonly secretKey: number;
}

/** Longest that the server may take to heed the request, in milliseconds. */
const longestMs = 5_000;
/** In place of a protocol version, where a session's start packet has it. */
const cancelCode = 80_877_102;

/**
 * Asks the server to end the statement that a session is at, on a connection
 * of its own, as its protocol has it: a CancelRequest, in plain text as libpq
 * sent it for decades, since the key is good for nothing else. It resolves
 * once the server has passed it on, or cannot be reached; whether a statement
 * ended is only seen at the session.
 */
export function cancelStatement(session: SessionAddress): Promise<void> {
  const { host, port, processId, secretKey } = session;
  const packet = new DataView(new ArrayBuffer(16));
  [16, cancelCode, processId, secretKey].forEach((word, at) => packet.setInt32(at * 4, word));
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = host.startsWith("/")
    ? connect({ path: `${host}/.s.PGSQL.${port}` })
    : connect({ host, port });
  socket.setTimeout(longestMs, () => socket.destroy());
  socket.once("connect", () => socket.write(new Uint8Array(packet.buffer)));
  // Nothing comes but the end.
  socket.resume();
  socket.on("error", () => {});
  socket.once("close", () => resolve());
  return promise;
}
