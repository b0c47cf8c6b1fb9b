import { Buffer } from "node:buffer";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { unescape } from "node:querystring";
import { connect as connectTls } from "node:tls";

/** Class and number of the methods of AMQP 0-9-1 that open a connection. */
const methods = {
  start: 0x000a_000a,
  startOk: 0x000a_000b,
  tune: 0x000a_001e,
  tuneOk: 0x000a_001f,
  open: 0x000a_0028,
  close: 0x000a_0032,
} as const;

/**
 * Asks a broker once more to open a connection, and returns why it does not, in
 * its own words: `530 NOT_ALLOWED - vhost x not found`. The client gives them
 * only up to the credentials, and what comes after is what tells a wrong
 * setting from a broker that recovers.
 *
 * @returns undefined if it opens the connection, or does not answer
 */
export async function handshakeRefusal(
  url: URL,
  signal: AbortSignal,
): Promise<string | undefined> {
  const [user, password] = url.username === "" && url.password === ""
    ? ["guest", "guest"]
    : [unescape(url.username), unescape(url.password)];
  const socket = open(url);
  const giveUp = () => socket.destroy();
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    if (signal.aborted) return undefined;
    socket.write(Buffer.from("AMQP\0\0\x09\x01", "latin1"));
    for await (const { method, content } of methodsFrom(socket)) {
      if (method === methods.start) {
        const response = `\0${user}\0${password}`;
        const noProperties = Buffer.alloc(4);
        send(socket, methods.startOk, [
          noProperties,
          short("PLAIN"),
          long(response),
          short("en_US"),
        ]);
      } else if (method === methods.tune) {
        send(socket, methods.tuneOk, [content]);
        const vhost = unescape(url.pathname.slice(1)) || "/";
        send(socket, methods.open, [short(vhost), Buffer.alloc(2)]);
      } else if (method === methods.close) {
        const text = content.subarray(3, 3 + content.readUInt8(2)).toString();
        return `${content.readUInt16BE(0)} ${text}`;
      } else return undefined;
    }
  } catch {
    // Its silence says no more than the refusal did.
  } finally {
    signal.removeEventListener("abort", giveUp);
    socket.destroy();
  }
  return undefined;
}

function open({ protocol, hostname, port }: URL): Socket {
  const host = hostname.replace(/^\[|\]$/g, "");
  if (protocol !== "amqps:") return connectTcp({ host, port: Number(port || 5672) });
  const name = isIP(host) === 0 ? { servername: host } : {};
  return connectTls({ host, port: Number(port || 5671), ...name });
}

/** The methods that a peer sends; what follows a frame's end in the same bytes is kept. */
async function* methodsFrom(socket: Socket) {
  let bytes = Buffer.alloc(0);
  for await (const chunk of socket) {
    bytes = Buffer.concat([bytes, chunk]);
    // A frame: type, channel, size, that many bytes, and an end mark.
    while (bytes.length >= 7 && bytes.length >= 8 + bytes.readUInt32BE(3)) {
      const size = bytes.readUInt32BE(3);
      const payload = bytes.subarray(7, 7 + size);
      bytes = bytes.subarray(8 + size);
      yield { method: payload.readUInt32BE(0), content: payload.subarray(4) };
    }
  }
}

function send(socket: Socket, method: number, fields: readonly Uint8Array[]): void {
  const payload = Buffer.concat([uint32(method), ...fields]);
  const head = Buffer.from([1, 0, 0]);
  socket.write(Buffer.concat([head, uint32(payload.length), payload, Buffer.from([0xce])]));
}

function short(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

function long(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
