import { Buffer } from "node:buffer";
import type { Socket } from "node:net";

/** How every HTTP/2 connection starts; no HTTP/1.1 request can. */
const http2Preface = Buffer.from("PRI * HTTP/2.0\r\n");

/**
 * Reads a connection's first bytes until they tell HTTP/2 from HTTP/1.1, puts
 * them back, and passes the protocol to `decided`, which takes the socket over
 * before it returns. A client that ends, or takes longer than `maxWaitMs`,
 * before it has said enough is disconnected.
 */
export function sniffProtocol(
  socket: Socket,
  maxWaitMs: number,
  decided: (protocol: "http1" | "http2") => void,
): void {
  let seen: Buffer = Buffer.alloc(0);
  const giveUp = () => socket.destroy();
  const timer = setTimeout(giveUp, maxWaitMs);
  const stop = () => {
    clearTimeout(timer);
    socket.off("data", read);
    socket.off("end", giveUp);
    socket.off("close", stop);
  };
  const read = (chunk: Buffer) => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, http2Preface.length);
    const matches = seen.subarray(0, length).equals(http2Preface.subarray(0, length));
    if (matches && length < http2Preface.length) return;
    stop();
    // Paused, so that nothing is read between putting back and taking over.
    socket.pause();
    socket.unshift(seen);
    decided(matches ? "http2" : "http1");
    socket.resume();
  };
  socket.on("data", read);
  socket.once("end", giveUp);
  socket.once("close", stop);
}
