import { Buffer } from "node:buffer";
import type { ChannelModel } from "amqplib";

/** Of amqplib's connection, what its types leave out: how it gets from bytes to frames. */
interface FrameReader {
  /** What was read and is not yet a frame. */
  rest: Buffer;
  /** The next frame, which it then takes off `rest`; it calls itself once more has come. */
  recvFrame(): unknown;
}

/** A frame's type, channel and size come before what is in it. */
const prefixBytes = 7;
const headerFrame = 2;
/** In a header frame: class, weight and the size of the body come before the flags. */
const flagsAt = prefixBytes + 12;
/** The properties that come first, each if its flag is set. */
const flags = { contentType: 0x8000, contentEncoding: 0x4000, headers: 0x2000 } as const;

/**
 * Has a connection deliver a message without its headers where amqplib can't
 * read them. It gives up the connection otherwise, and the message, delivered
 * again, the next one as well: one that a broker takes, say with tables some
 * thousands deep, would stop its queue for good.
 */
export function passOverUnreadableHeaders({ connection }: Pick<ChannelModel, "connection">): void {
  const reader = connection as unknown as FrameReader;
  const receive = reader.recvFrame.bind(reader);
  reader.recvFrame = () => {
    const { rest } = reader;
    try {
      return receive();
    } catch (error) {
      const mended = withoutHeaders(rest);
      if (mended === undefined) throw error;
      reader.rest = mended;
      return receive();
    }
  };
}

/** The bytes, less the headers in the frame that they begin with; undefined if there are none. */
function withoutHeaders(bytes: Buffer): Buffer | undefined {
  if (bytes.length < flagsAt || bytes[0] !== headerFrame) return undefined;
  const size = bytes.readUInt32BE(3);
  const given = bytes.readUInt16BE(flagsAt);
  if (bytes.length <= prefixBytes + size || (given & flags.headers) === 0) return undefined;
  let from = flagsAt + 2;
  for (const flag of [flags.contentType, flags.contentEncoding]) {
    if ((given & flag) !== 0) from += 1 + bytes.readUInt8(from);
  }
  const until = from + 4 + bytes.readUInt32BE(from);
  const before = Buffer.from(bytes.subarray(0, from));
  before.writeUInt32BE(size - (until - from), 3);
  before.writeUInt16BE(given & ~flags.headers, flagsAt);
  return Buffer.concat([before, bytes.subarray(until)]);
}
